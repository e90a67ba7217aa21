// Values of Go's own transparency log (golang.org/x/mod/sumdb: tlog and note), for test_tlog_go.py.
//
// Run once, with Debian's golang-go and golang-golang-x-mod-dev; the values lie beside this file:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run main.go > values.json
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const entries = 64

type stored []tlog.Hash

func (hashes stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for place, index := range indexes {
		found[place] = hashes[index]
	}
	return found, nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Every hash of a proof, in order, as one hash of 8 characters: the values stay small. A row is of one size.
func digest(hashes []tlog.Hash) string {
	all := sha256.New()
	for _, hash := range hashes {
		all.Write(hash[:])
	}
	return base64.StdEncoding.EncodeToString(all.Sum(nil)[:6])
}

func main() {
	var hashes stored
	roots, inclusion, consistency, notes := []string{}, []string{}, []string{}, []string{}
	seed := sha256.Sum256([]byte("iwato tlog_go"))
	private := ed25519.NewKeyFromSeed(seed[:])
	name := "iwato/000102030405060708090a0b0c0d0e0f"
	public := append([]byte{1}, private.Public().(ed25519.PublicKey)...)
	keyID := sha256.Sum256(append([]byte(name+"\n"), public...))
	secret := fmt.Sprintf("PRIVATE+KEY+%s+%x+%s", name, keyID[:4],
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...)))
	signer, err := note.NewSigner(secret)
	must(err)
	for number := int64(0); number < entries; number++ {
		added, err := tlog.StoredHashes(number, []byte(fmt.Sprintf("entry %d", number)), hashes)
		must(err)
		hashes = append(hashes, added...)
		size := number + 1
		root, err := tlog.TreeHash(size, hashes)
		must(err)
		roots = append(roots, root.String())
		inclusionRow, consistencyRow := "", ""
		for index := int64(0); index < size; index++ {
			proof, err := tlog.ProveRecord(size, index, hashes)
			must(err)
			inclusionRow += digest(proof)
		}
		for old := int64(1); old < size; old++ {
			proof, err := tlog.ProveTree(size, old, hashes)
			must(err)
			consistencyRow += digest(proof)
		}
		inclusion, consistency = append(inclusion, inclusionRow), append(consistency, consistencyRow)
		text := fmt.Sprintf("%s\n%d\n%s\n", name, size, root)
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		must(err)
		if size%16 == 0 {
			notes = append(notes, string(signed))
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	must(out.Encode(map[string]any{
		"verifier": fmt.Sprintf("%s+%x+%s", name, keyID[:4], base64.StdEncoding.EncodeToString(public)),
		"roots":    roots, "inclusion": inclusion, "consistency": consistency, "notes": notes,
	}))
}
