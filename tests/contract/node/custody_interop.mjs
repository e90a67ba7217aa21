// A stranger's recovery by FORMAT 10.4, for tests/contract/test_custody_stranger.py: npm age-encryption and
// npm slip39 only.
//   node custody_interop.mjs NODE_MODULES FOLDER
// FOLDER holds token folders with passphrase.txt; `out` becomes the 32-byte secret in hex.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, folder] = process.argv.slice(2);
const require = createRequire(pathToFileURL(path.join(modules, "anchor.js")));
const age = await import(pathToFileURL(require.resolve("age-encryption")).href);
const Slip39 = require("slip39");

const line = (text, keyword) => text.split("\n").find((one) => one.startsWith(keyword + " ")).slice(keyword.length + 1);

async function open(file, unlock) {
  const decrypter = new age.Decrypter();
  unlock(decrypter);
  return await decrypter.decrypt(fs.readFileSync(file), "text");
}

const shares = [];
for (const name of fs.readdirSync(folder).filter((one) => one.startsWith("holder-"))) {
  const place = path.join(folder, name);
  const passphrase = fs.readFileSync(path.join(place, "passphrase.txt"), "utf8").trim();
  const keys = await open(path.join(place, "identity.age"), (one) => one.addPassphrase(passphrase));
  const record = await open(path.join(place, "share-1.age"), (one) => one.addIdentity(line(keys, "unseal")));
  shares.push(line(record, "words"));
}
fs.writeFileSync(path.join(folder, "out"), Buffer.from(Slip39.recoverSecret(shares, "")).toString("hex"));
