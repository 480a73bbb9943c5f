export function rolesOf(description: unknown): string;
export function actsOf(description: unknown): string;
