// One request to the API: its answer, or an error that says what happened and what to do.
import { markAnswered, markLost } from "../stores/connection";
import { csrfToken } from "../stores/session";
import type { ApprovalView, Problem } from "./types";

/** The appliance answered, and refused. */
export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.name = "ApiError";
    this.problem = problem;
  }
}

/** The request destroys something and waits for a second admin; nothing was done yet. */
export class ApprovalNeeded extends Error {
  readonly approval: ApprovalView;
  constructor(approval: ApprovalView) {
    super("It waits for a second admin.");
    this.name = "ApprovalNeeded";
    this.approval = approval;
  }
}

/** Nothing answered. */
export class ConnectionError extends Error {
  constructor() {
    super("The appliance does not answer.");
    this.name = "ConnectionError";
  }
}

/** Longest wait for an answer. A search of millions of names takes seconds, never this. */
const ANSWER_MS = 30_000;

export interface RequestOptions {
  signal?: AbortSignal;
  /** The browser sends it also if the page is left at once. */
  keepalive?: boolean;
}

async function send(method: string, path: string, body?: unknown, options: RequestOptions = {}) {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const token = csrfToken();
  if (method !== "GET" && token) headers["X-CSRF-Token"] = token;
  const limit = AbortSignal.timeout(ANSWER_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  try {
    return await fetch(path, {
      method,
      headers,
      signal,
      keepalive: options.keepalive ?? false,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    // A request that we ended ourselves says nothing about the appliance.
    if (options.signal?.aborted) throw error;
    markLost();
    throw new ConnectionError();
  }
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}

/** Jobs are accepted too; only what waits for somebody names who asked. */
const ACCEPTED = 202;

function isApproval(value: unknown): value is ApprovalView {
  return typeof value === "object" && value !== null && "asked_by" in value;
}

/** Codes by which the gateway says that it is there and the engine is not. */
const ENGINE_GONE = new Set(["engine_away", "engine_broke_off"]);

async function problemOf(response: Response): Promise<Problem> {
  const value: unknown = await response.json().catch(() => null);
  if (isProblem(value)) return value;
  return {
    status: response.status,
    code: "answer_unreadable",
    message: `The appliance answered with status ${response.status} and nothing readable.`,
    next_step: "Try again; if it stays so, look at the log of the gateway.",
    request_id: response.headers.get("x-request-id") ?? "",
  };
}

export async function request<T>(
  method: string,
  path: string,
  body?: unknown,
  options?: RequestOptions,
): Promise<T> {
  const response = await send(method, path, body, options);
  if (response.ok) {
    markAnswered();
    if (response.status === 204) return undefined as T;
    const value: unknown = await response.json();
    if (response.status === ACCEPTED && isApproval(value)) throw new ApprovalNeeded(value);
    return value as T;
  }
  const problem = await problemOf(response);
  if (ENGINE_GONE.has(problem.code)) {
    markLost();
  } else {
    markAnswered();
  }
  throw new ApiError(problem);
}

export function get<T>(path: string, options?: RequestOptions): Promise<T> {
  return request<T>("GET", path, undefined, options);
}

export function post<T>(path: string, body: unknown = {}): Promise<T> {
  return request<T>("POST", path, body);
}

/** Health answers 503 with its view when the engine cannot work: that is an answer, not an error. */
export async function getEvenIfFailing<T>(path: string, options?: RequestOptions): Promise<T> {
  const response = await send("GET", path, undefined, options);
  const value: unknown = await response.json().catch(() => null);
  if (value === null || isProblem(value)) {
    if (isProblem(value) && !ENGINE_GONE.has(value.code)) throw new ApiError(value);
    markLost();
    throw new ConnectionError();
  }
  markAnswered();
  return value as T;
}
