// Opens the page at the URL given in the browser given, looks around, makes a call, and prints what it saw.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [url, browserPath, operation, parameter] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// A browser takes its time on a machine that stalls.
const timeout = 100_000;
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"], timeout });
const seen = { complaints: [], violations: [] };

const open = async (options, hash = "") => {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(timeout);
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") seen.complaints.push(message.text());
  });
  await page.goto(`${url}/docs${hash}`);
  await page.waitForSelector(".card");
  return page;
};

// Each finding of the accessibility rules, as "rule: element".
const judge = async (page) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  for (const rule of violations) {
    for (const node of rule.nodes) seen.violations.push(`${rule.id}: ${node.html.slice(0, 120)}`);
  }
};

const desk = await open({ viewport: { width: 1280, height: 900 }, colorScheme: "light" }, `#${operation}`);
seen.operations = await desk.locator("#reference .card .verb.get, #reference .card .verb.post").count();
const card = desk.locator(`[id="${operation}"]`);
seen.opened = await card.evaluate((element) => element.open);
await judge(desk);
await card.locator(".try input").first().fill(parameter);
await card.locator("button").click();
await card.locator(".answer .status").waitFor();
seen.status = await card.locator(".answer .status").textContent();
seen.answer = await card.locator(".answer pre").first().textContent();
seen.command = await card.locator(".answer pre").last().textContent();

// What is served over a socket says so, and offers no call.
const talk = desk.locator('[id="TalkThings"]');
await talk.locator("summary").click();
// It is filled once it has opened.
await talk.locator(".operation .limits").first().waitFor();
seen.socket = await talk.locator("summary .socket").textContent();
seen.talk = await talk.locator(".operation").textContent();
seen.tries = await talk.locator(".try").count();
await judge(desk);

// By keyboard alone: "/" leads to the search, words narrow the page.
await desk.locator("main").focus();
await desk.keyboard.press("/");
await desk.keyboard.type(operation);
seen.found = await desk.locator("#state").textContent();
seen.visible = await desk.locator("#reference .card:visible").count();

const phone = await open({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
seen.menuOpen = await phone.locator("#menu").evaluate((element) => element.open);
seen.overflow = await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth);
await judge(phone);

await browser.close();
console.log(JSON.stringify(seen));
