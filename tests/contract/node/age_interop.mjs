// age files by npm age-encryption, for tests/contract/test_age_interop.py.
//   node age_interop.mjs NODE_MODULES encrypt|decrypt|derive FOLDER
// FOLDER holds `identity` or `recipient` or `passphrase`, and `in`; `out` is written.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, verb, folder] = process.argv.slice(2);
const require = createRequire(pathToFileURL(path.join(modules, "anchor.js")));
const age = await import(pathToFileURL(require.resolve("age-encryption")).href);
const file = (name) => path.join(folder, name);
const text = (name) => fs.readFileSync(file(name), "utf8");

if (verb === "derive") {
  fs.writeFileSync(file("out"), await age.identityToRecipient(text("identity")));
} else if (verb === "encrypt") {
  const encrypter = new age.Encrypter();
  if (fs.existsSync(file("passphrase"))) {
    encrypter.setScryptWorkFactor(Number(text("work-factor")));
    encrypter.setPassphrase(text("passphrase"));
  } else {
    for (const recipient of text("recipient").split("\n")) encrypter.addRecipient(recipient);
  }
  fs.writeFileSync(file("out"), await encrypter.encrypt(fs.readFileSync(file("in"))));
} else if (verb === "decrypt") {
  const decrypter = new age.Decrypter();
  if (fs.existsSync(file("passphrase"))) decrypter.addPassphrase(text("passphrase"));
  else decrypter.addIdentity(text("identity"));
  fs.writeFileSync(file("out"), await decrypter.decrypt(fs.readFileSync(file("in"))));
} else {
  throw new Error(`unknown verb ${verb}`);
}
