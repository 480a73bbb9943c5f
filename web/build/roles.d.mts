export function rolesOf(description: unknown): string;
