// SLIP-39 shares by npm slip39, for tests/contract/test_shares_npm.py.
//   node shares_interop.mjs NODE_MODULES combine|split FOLDER
// combine: `in` is a JSON list of shares, `out` becomes the secret in hex.
// split: `in` is {"secret": hex, "needed": k, "holders": n}, `out` becomes a JSON list of shares.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, verb, folder] = process.argv.slice(2);
const Slip39 = createRequire(pathToFileURL(path.join(modules, "anchor.js")))("slip39");
const given = JSON.parse(fs.readFileSync(path.join(folder, "in"), "utf8"));
const answer = (text) => fs.writeFileSync(path.join(folder, "out"), text);

if (verb === "combine") {
  answer(Buffer.from(Slip39.recoverSecret(given, "")).toString("hex"));
} else if (verb === "split") {
  const secret = Array.from(Buffer.from(given.secret, "hex"));
  const groups = [[given.needed, given.holders, "holders"]];
  const set = Slip39.fromArray(secret, { passphrase: "", threshold: 1, groups });
  answer(JSON.stringify(set.fromPath("r/0").mnemonics));
} else {
  throw new Error(`unknown verb ${verb}`);
}
