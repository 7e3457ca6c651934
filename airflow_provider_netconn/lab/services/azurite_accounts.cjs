// Loaded into Azurite before itself: accounts and their keys come by standard input, one line for all of them, and take
// effect at once. Azurite by itself reads them from its environment, once at its start and then each minute anew. When the
// lab is gone, the input ends, and Azurite goes with its folder.
"use strict";
const MINUTE_MS = 60 * 1000;
const refreshes = [];
const setIntervalOfNode = global.setInterval;
global.setInterval = (work, delay, ...rest) => {
  if (delay === MINUTE_MS) refreshes.push(work);
  return setIntervalOfNode(work, delay, ...rest);
};
require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (accounts) => {
    process.env.AZURITE_ACCOUNTS = accounts;
    refreshes.forEach((refresh) => refresh());
    process.stdout.write("netconn: accounts read\n");
  })
  .on("close", () => {
    const folder = process.cwd();
    process.chdir("/");
    require("fs").rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  });
