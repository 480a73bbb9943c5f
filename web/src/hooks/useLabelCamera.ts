// The camera of a phone, looking for labels. It runs while the page is open and not longer.
import { type RefObject, useEffect, useRef, useState } from "react";
import { readLabel } from "../util/label-reader";

export type CameraState = "starting" | "looking" | "insecure" | "refused" | "missing";

/** Between two looks: a look takes a phone some 10 ms, and a hand does not hold still longer. */
const LOOK_MS = 120;
/** A label is wide and low: the middle of the picture is looked at, scaled to so many pixels at most. */
const WIDTH_MAX = 1280;
const BAND = 0.4;
/** One look can be wrong, since Code 39 has no check character on these labels; two that agree are taken. */
const AGREEING = 2;

function whyNot(error: unknown): CameraState {
  return error instanceof DOMException && error.name === "NotAllowedError" ? "refused" : "missing";
}

/** Calls for each label that it sees, again only after it has seen another one. */
export function useLabelCamera(onRead: (barcode: string) => void): {
  video: RefObject<HTMLVideoElement | null>;
  state: CameraState;
} {
  const video = useRef<HTMLVideoElement>(null);
  const told = useRef(onRead);
  const [state, setState] = useState<CameraState>("starting");
  useEffect(() => {
    told.current = onRead;
  });
  useEffect(() => {
    if (!navigator.mediaDevices?.getUserMedia) return setState("insecure");
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setInterval> | undefined;
    let isOver = false;
    const start = async () => {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1920 } },
      });
      if (isOver || !video.current) return stop(stream);
      video.current.srcObject = stream;
      await video.current.play();
      setState("looking");
      timer = setInterval(look(video.current, told), LOOK_MS);
    };
    start().catch((error) => {
      if (!isOver) setState(whyNot(error));
    });
    return () => {
      isOver = true;
      clearInterval(timer);
      stop(stream);
    };
  }, []);
  return { video, state };
}

function stop(stream: MediaStream | undefined) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function look(video: HTMLVideoElement, told: RefObject<(barcode: string) => void>): () => void {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let before = "";
  let agreeing = 0;
  return () => {
    if (!context || video.videoWidth === 0) return;
    const scale = Math.min(1, WIDTH_MAX / video.videoWidth);
    const cut = Math.round(video.videoHeight * BAND);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(cut * scale);
    const top = (video.videoHeight - cut) / 2;
    context.drawImage(
      video,
      ...[0, top, video.videoWidth, cut],
      ...[0, 0, canvas.width, canvas.height],
    );
    const read = readLabel(context.getImageData(0, 0, canvas.width, canvas.height));
    if (!read) return;
    agreeing = read === before ? agreeing + 1 : 1;
    before = read;
    if (agreeing === AGREEING) told.current(read);
  };
}
