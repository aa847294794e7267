// A page of Debian's Firefox for `testing.browsers`: puppeteer-core drives it over WebDriver BiDi, without a driver.
// Each line of the input is a command as JSON, and each line of the output its answer: {value} or {error}.
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const SECONDS = 40;
const browser = await puppeteer.launch({ browser: "firefox", executablePath: process.argv[2], headless: true });
const page = await browser.newPage();
const said = [];
page.on("console", (message) => said.push(message.text()));

const COMMANDS = {
  goto: async ({ url }) => void (await page.goto(url)),
  evaluate: ({ source, argument }) => page.evaluate(`(${source})(${JSON.stringify(argument)})`),
  offline: ({ isOffline }) => page.setOfflineMode(isOffline),
  said: () => said.splice(0),
};

async function answered({ command, ...given }) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Firefox did not answer in ${SECONDS} s.`)), SECONDS * 1000);
  });
  try {
    const value = await Promise.race([COMMANDS[command](given), late]);
    return { value: value === undefined ? null : value };
  } catch (error) {
    return { error: String(error.stack || error) };
  } finally {
    clearTimeout(timer);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answered(JSON.parse(line))));
}
await browser.close();
