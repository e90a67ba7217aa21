/* The reader of policy texts: one line at a time, every line in its place, facts only (PROTOCOL 6.2). */
#include <string.h>
#include "digest.h"
#include "lines.h"
#include "step.h"

static struct { /* what must be remembered of earlier lines, beyond the facts */
    struct Policy *facts;
    uint8_t *previous;
    int64_t count, generation, link_s, bays;
    bool open; /* a drive group that is not sealed */
    size_t generations, sources;
    uint8_t unseal[HOLDERS_MAX][32], share[HOLDERS_MAX][32], vault[GENERATIONS_MAX][32];
    uint8_t source[SOURCES_MAX][32];
} seen;

static bool listed(const uint8_t *digest, uint8_t (*table)[32], size_t count) {
    for (size_t i = 0; i < count; i++)
        if (memcmp(digest, table[i], 32) == 0) return true;
    return false;
}

static void read_version(struct Text *t) {
    seen.facts->version = read_number(t);
    require(t, seen.facts->version >= 1 && seen.facts->version <= VERSION_MAX);
}

static void read_previous(struct Text *t) {
    bool none = accepts(t, "-");
    require(t, none == (seen.facts->version == 1));
    if (none) return;
    expect(t, "sha256:");
    read_hex(t, seen.previous, 32);
}

static void read_quorum(struct Text *t) {
    int64_t needed = read_number(t);
    expect(t, " of ");
    seen.count = read_number(t);
    require(t, needed >= QUORUM_MIN && needed < seen.count && seen.count <= HOLDERS_MAX);
    seen.facts->quorum = (uint8_t)needed;
}

static bool holders_key(const struct HolderKey *key) {
    for (size_t i = 0; i < seen.facts->holders_count; i++) {
        const struct HolderKey *one = &seen.facts->holders[i];
        if (one->kind == key->kind && memcmp(one->raw, key->raw, sizeof key->raw) == 0) return true;
    }
    return false;
}

static void read_holder(struct Text *t) {
    struct HolderKey key = {.kind = KEY_P256, .raw_bytes = 65};
    size_t number = seen.facts->holders_count;
    uint8_t unseal[32], share[32];
    if (!require(t, read_number(t) == (int64_t)number + 1 && (int64_t)number < seen.count)) return;
    expect(t, " ssh=");
    if (accepts(t, "ssh-ed25519:")) {
        key.kind = KEY_ED25519;
        key.raw_bytes = 32;
    } else {
        expect(t, "ecdsa-sha2-nistp256:");
    }
    read_base64(t, key.raw, key.raw_bytes);
    expect(t, " unseal=sha256:");
    read_hex(t, unseal, 32);
    expect(t, " share=sha256:");
    read_hex(t, share, 32);
    if (t->bad || !require(t, key_sound(&key) && !holders_key(&key))) return;
    require(t, !listed(unseal, seen.unseal, number) && !listed(share, seen.share, number));
    memcpy(seen.unseal[number], unseal, 32);
    memcpy(seen.share[number], share, 32);
    seen.facts->holders[seen.facts->holders_count++] = key;
}

static void read_generation(struct Text *t) {
    uint8_t vault[32];
    int64_t number = read_number(t);
    expect(t, " vault=sha256:");
    read_hex(t, vault, 32);
    require(t, number > seen.generation && seen.facts->holders_count == seen.count);
    if (t->bad || !require(t, seen.generations < GENERATIONS_MAX)) return;
    require(t, !listed(vault, seen.vault, seen.generations));
    memcpy(seen.vault[seen.generations++], vault, 32);
    seen.generation = number;
    seen.facts->generation = number;
    memcpy(seen.facts->vault, vault, 32);
}

static void read_signer(struct Text *t, uint8_t raw[32]) {
    struct HolderKey key = {.kind = KEY_ED25519, .raw_bytes = 32};
    expect(t, "ed25519:");
    read_base64(t, key.raw, 32);
    require(t, key_sound(&key) && !holders_key(&key));
    memcpy(raw, key.raw, 32);
}

static void read_witness(struct Text *t) {
    read_signer(t, seen.facts->witness_key);
    require(t, memcmp(seen.facts->witness_key, seen.facts->log_key, 32) != 0);
}

static int64_t read_time(struct Text *t, bool seconds) {
    int64_t hours = read_digits(t, 2), minutes, rest = 0;
    expect(t, ":");
    minutes = read_digits(t, 2);
    if (seconds) {
        expect(t, ":");
        rest = read_digits(t, 2);
        require(t, hours < 24);
    }
    require(t, minutes < 60 && rest < 60);
    return hours * 3600 + minutes * 60 + rest;
}

static void read_slot(struct Text *t, struct Slot *slot) {
    slot->begin_s = read_time(t, true);
    expect(t, "-");
    slot->end_s = read_time(t, true);
    expect(t, " daily ");
    bool west = accepts(t, "-");
    if (!west) expect(t, "+");
    slot->offset_s = read_time(t, false);
    require(t, slot->offset_s <= OFFSET_S_MAX && !(west && slot->offset_s == 0));
    if (west) slot->offset_s = -slot->offset_s;
}

static int64_t read_duration(struct Text *t) {
    int64_t value = read_number(t);
    require(t, value >= 1 && value <= 9999999);
    if (accepts(t, "h")) return value * 3600;
    if (accepts(t, "m")) return value * 60;
    expect(t, "s");
    return value;
}

static int64_t length_s(const struct Slot *slot) { return (slot->end_s - slot->begin_s - 1 + DAY_S) % DAY_S + 1; }

static bool overlap(const struct Slot *one, const struct Slot *other) {
    int64_t ahead = (other->begin_s - other->offset_s - one->begin_s + one->offset_s + 3 * DAY_S) % DAY_S;
    return ahead < length_s(one) || DAY_S - ahead < length_s(other);
}

static void read_window(struct Text *t) {
    struct Window window;
    read_slot(t, &window.slot);
    expect(t, " link=");
    window.link_s = read_duration(t);
    if (t->bad || !require(t, seen.facts->windows_count < WINDOWS_MAX)) return;
    seen.link_s += window.link_s;
    require(t, window.link_s < length_s(&window.slot) && window.link_s <= LINK_WINDOW_S_MAX);
    require(t, seen.link_s <= LINK_DAY_S_MAX);
    for (size_t i = 0; i < seen.facts->windows_count; i++)
        require(t, !overlap(&seen.facts->windows[i].slot, &window.slot));
    seen.facts->windows[seen.facts->windows_count++] = window;
}

static void read_scrub(struct Text *t) {
    struct Slot slot;
    read_slot(t, &slot);
    if (require(t, seen.facts->scrubs_count < SCRUBS_MAX)) seen.facts->scrubs[seen.facts->scrubs_count++] = slot;
}

static void read_drives(struct Text *t) {
    int64_t data = read_number(t);
    expect(t, "+");
    int64_t all = data + read_number(t);
    expect(t, " write=");
    int64_t write = read_number(t);
    require(t, data >= DATA_MIN && all > data && all <= DRIVES_MAX && data <= write && write <= all);
    bool sealed = accepts(t, " sealed");
    if (t->bad || !require(t, seen.bays + all <= DRIVES_MAX && (sealed || !seen.open))) return;
    seen.bays += all;
    seen.open = seen.open || !sealed;
    seen.facts->groups[seen.facts->groups_count++] = (struct Group){(uint8_t)all, sealed};
}

static bool plain(uint8_t c) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), number = c >= '0' && c <= '9';
    return letter || number || c == '/' || c == '.' || c == '_' || c == '-' || c == '~';
}

/* Percent-encoded with upper-case digits, nothing encoded that need not be, absolute, no NUL. */
static void read_path(struct Text *t) {
    const uint8_t *begin = t->at;
    size_t bytes = 0;
    require(t, t->at < t->end && *t->at == '/');
    for (; !t->bad && t->at < t->end; bytes++) {
        if (!accepts(t, "%")) {
            require(t, plain(*t->at++));
            continue;
        }
        uint8_t code = 0;
        for (unsigned i = 0; i < 2 && require(t, t->at < t->end); i++) {
            uint8_t c = *t->at++;
            require(t, (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
            code = (uint8_t)(code << 4 | (c <= '9' ? c - '0' : (c - 'A' + 10) & 15));
        }
        require(t, code != 0 && !plain(code));
    }
    require(t, bytes <= PATH_BYTES_MAX && t->at - begin <= 3072);
}

static void read_source(struct Text *t) {
    uint8_t name[32] = {0};
    size_t bytes = 0;
    for (; t->at < t->end && *t->at != ' '; bytes++) {
        uint8_t c = *t->at++;
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!require(t, fits && bytes < sizeof name)) return;
        name[bytes] = c;
    }
    expect(t, " tier=");
    require(t, seen.open && bytes > 0 && read_digits(t, 1) <= TIER_MAX);
    expect(t, " path=");
    read_path(t);
    if (t->bad || !require(t, seen.sources < SOURCES_MAX)) return;
    require(t, !listed(name, seen.source, seen.sources));
    memcpy(seen.source[seen.sources++], name, 32);
}

static void read_delay(struct Text *t) {
    seen.facts->delay_s = read_duration(t);
    require(t, seen.facts->delay_s <= DELAY_S_MAX);
}

/* The words in their order; those of REPEATED may come again. */
enum Word {
    VERSION, PREV, VAULT_ID, QUORUM, HOLDER, GENERATION, LOG, WITNESS, WINDOW, SCRUB, DRIVES, SOURCE, DELAY, STAGES
};
enum { REPEATED = 1 << HOLDER | 1 << GENERATION | 1 << WINDOW | 1 << SCRUB | 1 << DRIVES | 1 << SOURCE };
static const char *const WORDS[STAGES] = {
    "iwato-policy ", "prev ",   "vault-id ", "quorum ", "holder ", "generation ", "log ",
    "witness ",      "window ", "scrub ",    "drives ", "source ", "delay ",
};

static void read_line(struct Text *t, size_t word) {
    switch (word) {
    case VERSION: read_version(t); break;
    case PREV: read_previous(t); break;
    case VAULT_ID: read_hex(t, seen.facts->vault_id, 16); break;
    case QUORUM: read_quorum(t); break;
    case HOLDER: read_holder(t); break;
    case GENERATION: read_generation(t); break;
    case LOG: read_signer(t, seen.facts->log_key); break;
    case WITNESS: read_witness(t); break;
    case WINDOW: read_window(t); break;
    case SCRUB: read_scrub(t); break;
    case DRIVES: read_drives(t); break;
    case SOURCE: read_source(t); break;
    default: read_delay(t); break;
    }
}

bool policy_read(struct Policy *facts, uint8_t previous[32], const uint8_t *text, size_t bytes) {
    size_t stage = 0;
    const uint8_t *at = text, *end = text + bytes;
    memset(&seen, 0, sizeof seen);
    memset(facts, 0, sizeof *facts);
    seen.facts = facts;
    seen.previous = previous;
    while (at < end) {
        const uint8_t *feed = at;
        while (feed < end && *feed != '\n') feed++;
        if (feed == end || feed - at > LINE_BYTES_MAX) return false;
        struct Text line = {at, feed, false};
        bool again = stage > 0 && (REPEATED >> (stage - 1) & 1) != 0 && accepts(&line, WORDS[stage - 1]);
        if (!again && (stage == STAGES || !accepts(&line, WORDS[stage++]))) return false;
        read_line(&line, stage - 1);
        if (line.bad || line.at != line.end) return false;
        at = feed + 1;
    }
    sha256(facts->digest, (struct Piece[]){{text, bytes}}, 1);
    return stage == STAGES;
}
