// A label that the console prints, held before the camera of a phone: the browser's camera is a film of it.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { goTo, openBrowser, openWindow } from "./browser.mjs";

const WIDTH = 1280;
const HEIGHT = 720;
const LABEL_PX = 900;

/** The label as the page of labels draws it, in grey, a byte a pixel. */
async function greysOf(page, barcode) {
  await goTo(page, `/cartridges/labels?barcodes=${barcode}`);
  const greys = await page.evaluate(
    async ([width, height, labelWidth]) => {
      const drawn = document.querySelector(".label-sheet svg").cloneNode(true);
      drawn.setAttribute("xmlns", "http://www.w3.org/2000/svg");
      drawn.setAttribute("width", labelWidth);
      drawn.setAttribute("height", height / 4);
      const image = new Image();
      image.src = `data:image/svg+xml,${encodeURIComponent(drawn.outerHTML)}`;
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const context = canvas.getContext("2d");
      context.fillStyle = "#ddd";
      context.fillRect(0, 0, width, height);
      context.drawImage(image, (width - labelWidth) / 2, (height * 3) / 8);
      const { data } = context.getImageData(0, 0, width, height);
      let text = "";
      for (let at = 0; at < data.length; at += 4) text += String.fromCharCode(data[at]);
      return btoa(text);
    },
    [WIDTH, HEIGHT, LABEL_PX],
  );
  return Buffer.from(greys, "base64");
}

/** Two frames, which the browser plays again and again. */
function writeFilm(path, greys) {
  const colours = Buffer.alloc(greys.length / 2, 128);
  const frame = Buffer.concat([Buffer.from("FRAME\n"), greys, colours]);
  const head = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420\n`);
  writeFileSync(path, Buffer.concat([head, frame, frame]));
}

/** The camera reads the label, and the page says what the cartridge is; another is typed, and one is unknown. */
export async function scanLabels({ engine, main, seen }) {
  const film = join(engine.folder, "label.y4m");
  writeFilm(film, await greysOf(main.page, seen.cartridge));
  const browser = await openBrowser([
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-video-capture=${film}`,
  ]);
  try {
    const state = await main.context.storageState();
    const { page } = await openWindow(browser, engine.url, { width: 360, height: 740, state });
    await goTo(page, "/library/scan");
    const read = page.getByRole("region", { name: seen.cartridge });
    await read.getByText(/The library believes it is in slot/).waitFor();
    await page.getByLabel("Or type the label").fill("fsp 002 l9");
    await page.getByRole("button", { name: "Look it up" }).click();
    await page.getByRole("region", { name: "FSP002L9" }).getByText(/slot/).waitFor();
    await page.getByLabel("Or type the label").fill("NOBODY12");
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: "NOBODY12" }).getByRole("alert").waitFor();
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.equal(over, 0);
  } finally {
    await browser.close();
  }
}
