// A sentence of the API: what it sets in backticks is to be typed, and looks so.
export function Words({ text }: { text: string }) {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}
