/* Made by tests/firmware/c_tables.py from the model's literals; change those. */
#ifndef TABLES_H
#define TABLES_H
#include "fields.h"

enum Phase { PHASE_UNKNOWN = 0, PHASE_ISOLATED = 1, PHASE_CONTACT_TEST = 2, PHASE_INTAKE = 3, PHASE_AIRLOCK = 4, PHASE_SEAL = 5, PHASE_SCRUB = 6, PHASE_RECOVERY = 7, PHASE_SECURED = 8, PHASE_FAULT = 9 };
enum Medium { MEDIUM_INTAKE = 1, MEDIUM_SEALING = 2 };
enum UploadKind { UPLOAD_POLICY = 1, UPLOAD_RECOVERY_ORDER = 2, UPLOAD_VETO = 3, UPLOAD_OVERRIDE = 4, UPLOAD_RELEASE_ORDER = 5, UPLOAD_TIME_ORDER = 6, UPLOAD_UNSEAL_ORDER = 7 };
enum EventKind { EVENT_POWER_ON = 1, EVENT_PHASE = 2, EVENT_REFUSED = 3, EVENT_FAULT = 4, EVENT_POLICY = 5, EVENT_ORDER = 6, EVENT_SECURED = 7, EVENT_LATCH_CLEARED = 8, EVENT_POLICY_PENDING = 9, EVENT_VETO = 10, EVENT_OVERRIDE = 11, EVENT_RELEASED = 12, EVENT_TIME_SET = 13 };
enum Cause { CAUSE_NONE = 0, CAUSE_STARTED = 1, CAUSE_WORK_DONE = 2, CAUSE_LINK_HALF_OVER = 3, CAUSE_TIME_OVER = 4, CAUSE_HEARTBEAT_LOST = 5, CAUSE_BUDGET_SPENT = 6, CAUSE_CUT_PRESSED = 7, CAUSE_CONTROLLER_ASKED = 8, CAUSE_CONTACT_TEST_FAILED = 9, CAUSE_CONTACT_TEST_PASSED = 10, CAUSE_CONTROLLER_SILENT = 11, CAUSE_KEY_RELEASED = 12, CAUSE_CLOCK_LOST = 13, CAUSE_CUT_HELD = 14, CAUSE_RELEASED = 15, CAUSE_NOT_NOW = 32, CAUSE_NO_POLICY = 33, CAUSE_OUTSIDE_WINDOW = 34, CAUSE_GAP_TOO_SHORT = 35, CAUSE_TESTS_SPENT = 36, CAUSE_LINKS_SPENT = 37, CAUSE_RECOVERY_LATCHED = 38, CAUSE_DRIVES_LIVE = 39, CAUSE_LINK_CONDUCTING = 40, CAUSE_KEY_NOT_TURNED = 41, CAUSE_NO_ORDER = 42, CAUSE_ORDER_EXPIRED = 43, CAUSE_ORDER_REPLAYED = 44, CAUSE_ORDER_FOREIGN = 45, CAUSE_ORDER_TOO_LONG_LIVED = 46, CAUSE_NONCES_FULL = 47, CAUSE_SIGNATURES_MISSING = 48, CAUSE_SIGNATURE_BAD = 49, CAUSE_SIGNER_UNKNOWN = 50, CAUSE_SIGNER_TWICE = 51, CAUSE_POLICY_MALFORMED = 52, CAUSE_POLICY_NOT_FIRST = 53, CAUSE_POLICY_WITNESS = 54, CAUSE_ORDER_MALFORMED = 55, CAUSE_UPLOAD_SEQUENCE = 56, CAUSE_UPLOAD_TOO_LONG = 57, CAUSE_LOG_SIZE = 58, CAUSE_LOG_FORK = 59, CAUSE_SECURED = 60, CAUSE_FAULTED = 61, CAUSE_CONTROLLER_OFF = 62, CAUSE_HEARTBEAT_STALE = 63, CAUSE_POLICY_NOT_NEXT = 64, CAUSE_POLICY_FOREIGN = 65, CAUSE_POLICY_GENERATION = 66, CAUSE_POLICY_DROPPED = 67, CAUSE_POLICIES_FULL = 68, CAUSE_NO_PENDING = 69, CAUSE_NO_VETO = 70, CAUSE_SIGNER_REMOVED = 71, CAUSE_ENTERING_MISSING = 72, CAUSE_NO_CHALLENGE = 73, CAUSE_TIME_BACKWARDS = 74, CAUSE_NO_SUCH_GROUP = 75, CAUSE_NOTHING_LATCHED = 76, CAUSE_LINK_WITHOUT_ORDER = 96, CAUSE_DRIVE_WITHOUT_ORDER = 97, CAUSE_CHANGEOVER_STUCK = 98, CAUSE_SUPPLY_STUCK = 99, CAUSE_MEMORY_LOST = 101, CAUSE_UNLISTED_PAIR = 102, CAUSE_UPTIME_BACKWARDS = 103, CAUSE_FIRMWARE_OLD = 104, CAUSE_WIRE_CORRUPT = 128, CAUSE_WIRE_LOST = 129, CAUSE_WIRE_REPEATED = 130, CAUSE_WIRE_REORDERED = 131, CAUSE_WIRE_FORGED = 132, CAUSE_WIRE_STRANGER = 133, CAUSE_WIRE_REFLECTED = 134, CAUSE_WIRE_TOO_LONG = 135, CAUSE_WIRE_UNKNOWN_MESSAGE = 136, CAUSE_WIRE_MALFORMED = 137, CAUSE_WIRE_NOT_FOR_ME = 138 };
enum KeyKind { KEY_ED25519 = 1, KEY_P256 = 2 };
enum Turn { TURN_NONE, TURN_PROVEN, TURN_PROVEN_SECURED, TURN_PROVEN_FAULT, TURN_TEST_PASSED, TURN_TEST_FAILED, TURN_LINK_HALF_OVER, TURN_BUDGET_SPENT, TURN_TIME_OVER, TURN_HEARTBEAT_LOST, TURN_CONTROLLER_SILENT, TURN_CLOCK_LOST, TURN_KEY_RELEASED, TURN_OTHER_LIVE, TURN_CUT_PRESSED, TURN_CUT_HELD, TURN_RESTARTED_SEAL, TURN_RESTARTED_SCRUB, TURN_RESTARTED_RECOVERY, TURN_RESTARTED_ISOLATED, TURN_RESTARTED_SECURED, TURN_BROKEN, TURN_RELEASED, TURN_ASKS_INTAKE, TURN_ASKS_SEAL, TURN_ASKS_SCRUB, TURN_ASKS_RECOVERY, TURN_ASKS_ISOLATED, TURN_ASKS_SECURED, TURN_DONE, TURN_COUNT };
enum Act { ACT_NONE, ACT_BEGIN_LINK, ACT_END_LINK, ACT_COUNT_TEST, ACT_BEGIN_DRIVE_HALF, ACT_LEAD_TO_SEAL, ACT_LEAD_TO_SCRUB, ACT_LEAD_TO_RECOVERY, ACT_LEAD_TO_ISOLATED, ACT_LATCH_RECOVERY, ACT_LATCH_SECURED, ACT_LATCH_FAULT, ACT_UNLATCH, ACT_COUNT };
#define PHASE_COUNT 10
#define CAUSE_COUNT 80
#define PAYLOAD_BYTES_MAX 512
#define MAC_BYTES 16
#define FRAME_HEADER_BYTES 13
#define FRAME_VERSION 16
#define RAW_BYTES_MIN 34
#define RAW_BYTES_MAX 545
#define STUFFED_BYTES_MAX 548
#define REORDER_WINDOW 64
#define CHUNK_BYTES_MAX 480
#define DAY_S INT64_C(86400)
#define LINK_DAY_S_MAX INT64_C(14400)
#define LINK_WINDOW_S_MAX INT64_C(7200)
#define GAP_S INT64_C(60)
#define LINKS_MAX 32
#define CHARGE_S INT64_C(10)
#define CONTACT_TEST_MS INT64_C(500)
#define TESTS_FAILED_MAX 5
#define HEARTBEAT_MS INT64_C(500)
#define HEARTBEAT_LOST_MS INT64_C(1500)
#define ECHO_CREDIT_MS INT64_C(400)
#define BOOT_MS INT64_C(180000)
#define TICK_MS_MAX INT64_C(100)
#define MISMATCH_MS INT64_C(100)
#define SUPPLY_MS INT64_C(5000)
#define PARTING_MS INT64_C(100)
#define RESTART_OFF_MS INT64_C(1000)
#define RECOVERY_OFF_MS INT64_C(10000)
#define CUT_HELD_MS INT64_C(3000)
#define CLOCK_STALL_MS INT64_C(3000)
#define EPOCH_S INT64_C(1577836800)
#define FLOOR_S INT64_C(60)
#define HOLD_SLACK_MS INT64_C(1000)
#define DRIVES_HOLD_S_MAX INT64_C(86400)
#define FIRMWARE_VERSION 1
#define BACK_S_MAX INT64_C(300)
#define CHALLENGE_MS INT64_C(604800000)
#define CLOCK_S_MAX INT64_C(4102444799)
#define POLICY_BYTES_MAX 16384
#define LINE_BYTES_MAX 3200
#define HOLDERS_MAX 16
#define QUORUM_MIN 2
#define WINDOWS_MAX 8
#define SCRUBS_MAX 8
#define GENERATIONS_MAX 16
#define SOURCES_MAX 32
#define TIER_MAX 3
#define PATH_BYTES_MAX 1024
#define DRIVES_MAX 16
#define GROUPS_MAX 5
#define DATA_MIN 2
#define DELAY_S_MAX INT64_C(2592000)
#define DROPPED_MAX 16
#define RIPE_MS INT64_C(10000)
#define SIGNATURES_MAX 32
#define VERSION_MAX INT64_C(4294967295)
#define OFFSET_S_MAX INT64_C(53940)
#define ORDER_BYTES_MAX 2048
#define ORDER_TEXT_BYTES_MAX 256
#define ORDER_LIFE_S_MAX INT64_C(604800)
#define NONCES_MAX 64
#define LOG_LEAVES_MAX INT64_C(9223372036854775807)
#define EVENTS_MAX 64
#define REFUSAL_FLUSH_MS INT64_C(1000)
#define REFUSAL_QUIET_S INT64_C(3600)
#define WARN_EARLY_S INT64_C(60)
#define WARN_LATE_S INT64_C(10)
#define MEMORY_BYTES_MAX 9994
#define KIND_COUNT 8
#define RELEASABLE_COUNT 6
#define MESSAGE_Hello 1
#define MESSAGE_Heartbeat 2
#define MESSAGE_RequestPhase 3
#define MESSAGE_Done 4
#define MESSAGE_UploadBegin 5
#define MESSAGE_UploadChunk 6
#define MESSAGE_UploadSignature 7
#define MESSAGE_UploadCommit 8
#define MESSAGE_Cosign 9
#define MESSAGE_EventRead 10
#define MESSAGE_ChallengeRead 11
#define MESSAGE_AuthorityRead 12
#define MESSAGE_HelloAck 129
#define MESSAGE_Status INT64_C(130)
#define MESSAGE_Granted 131
#define MESSAGE_Refused 132
#define MESSAGE_CutWarning 133
#define MESSAGE_UploadAccepted 134
#define MESSAGE_UploadReady 135
#define MESSAGE_Cosigned 136
#define MESSAGE_Event 137
#define MESSAGE_NoEvent 138
#define MESSAGE_Challenge 139
#define MESSAGE_Authority 140
#define MESSAGE_ErrorReply 143
#define MEMORY_MAGIC "IWATOFR2"
struct Row { uint8_t listed, phase, acts[3]; };
extern const struct Row TURNS[PHASE_COUNT][TURN_COUNT];
extern const uint8_t CAUSE_OF[TURN_COUNT], LINK_ENDS[256], DRIVE_ENDS[256];
extern const uint8_t SMALL_ORDER[7][32];
enum Line { LINE_NONE, LINE_VAULT_ID, LINE_POLICY, LINE_NONCE, LINE_EXPIRES, LINE_WHAT, LINE_WHY, LINE_DESTINATION, LINE_PENDING, LINE_VETOED_BY, LINE_SECURED, LINE_FAULT, LINE_TIME, LINE_GROUP, LINE_COUNT };
extern const char *const NAMESPACES[KIND_COUNT], *const ORDER_HEADS[KIND_COUNT];
extern const char *const LINE_WORDS[LINE_COUNT];
extern const uint8_t ORDER_LINES[KIND_COUNT][9];
extern const uint16_t UPLOAD_WHERE[KIND_COUNT]; /* bit n: phase n */
struct Releasable { uint8_t cause; const char *name; };
extern const struct Releasable RELEASABLE[RELEASABLE_COUNT];
struct Hello { uint8_t nonce[8]; };
void put_Hello(struct Writer *w, const struct Hello *v);
void get_Hello(struct Reader *r, struct Hello *v);
struct Heartbeat { int64_t progress; int64_t stamp_ms; };
void put_Heartbeat(struct Writer *w, const struct Heartbeat *v);
void get_Heartbeat(struct Reader *r, struct Heartbeat *v);
struct RequestPhase { uint8_t phase; };
void put_RequestPhase(struct Writer *w, const struct RequestPhase *v);
void get_RequestPhase(struct Reader *r, struct RequestPhase *v);
struct Done { uint8_t phase; };
void put_Done(struct Writer *w, const struct Done *v);
void get_Done(struct Reader *r, struct Done *v);
struct UploadBegin { uint8_t kind; int64_t length; };
void put_UploadBegin(struct Writer *w, const struct UploadBegin *v);
void get_UploadBegin(struct Reader *r, struct UploadBegin *v);
struct UploadChunk { int64_t offset; uint16_t data_bytes; uint8_t data[480]; };
void put_UploadChunk(struct Writer *w, const struct UploadChunk *v);
void get_UploadChunk(struct Reader *r, struct UploadChunk *v);
struct UploadSignature { uint8_t signer; uint8_t signature[64]; };
void put_UploadSignature(struct Writer *w, const struct UploadSignature *v);
void get_UploadSignature(struct Reader *r, struct UploadSignature *v);
struct Cosign { int64_t size; uint8_t leaf_hash[32]; };
void put_Cosign(struct Writer *w, const struct Cosign *v);
void get_Cosign(struct Reader *r, struct Cosign *v);
struct EventRead { int64_t after; };
void put_EventRead(struct Writer *w, const struct EventRead *v);
void get_EventRead(struct Reader *r, struct EventRead *v);
struct HelloAck { uint8_t phase; uint8_t boot_medium; int64_t policy_version; uint8_t policy_hash[32]; int64_t log_size; uint8_t log_root[32]; uint8_t last_leaf_hash[32]; int64_t time_s; int64_t stamp_ms; int64_t window_number; uint8_t session_nonce[8]; };
void put_HelloAck(struct Writer *w, const struct HelloAck *v);
void get_HelloAck(struct Reader *r, struct HelloAck *v);
struct Status { uint8_t phase; uint8_t target; uint8_t cause; uint8_t fault; uint8_t k1_conducting; uint8_t k2_conducting; uint8_t k3_on_link; uint8_t cut_pressed; uint8_t key_turned; uint8_t controller_supplied; int64_t drives_live; uint8_t ordered_link; uint8_t ordered_drives; uint8_t ordered_k3_on_link; int64_t ordered_mask; uint8_t boot_medium; uint8_t clock_valid; uint8_t secured; uint8_t recovery_latched; int64_t time_s; int64_t stamp_ms; int64_t window_number; int64_t window_begin_s; int64_t window_end_s; int64_t scrub_begin_s; int64_t scrub_end_s; int64_t window_left_s; int64_t link_left_s; int64_t drives_left_s; int64_t gap_left_s; int64_t exposure_used_s; int64_t exposure_left_s; uint8_t tests_failed; int64_t refused; uint8_t last_refused; int64_t wire_faults; int64_t event_newest; int64_t policy_version; int64_t log_size; };
void put_Status(struct Writer *w, const struct Status *v);
void get_Status(struct Reader *r, struct Status *v);
struct Granted { uint8_t phase; };
void put_Granted(struct Writer *w, const struct Granted *v);
void get_Granted(struct Reader *r, struct Granted *v);
struct Refused { uint8_t request; uint8_t cause; };
void put_Refused(struct Writer *w, const struct Refused *v);
void get_Refused(struct Reader *r, struct Refused *v);
struct CutWarning { uint8_t phase; int64_t left_s; };
void put_CutWarning(struct Writer *w, const struct CutWarning *v);
void get_CutWarning(struct Reader *r, struct CutWarning *v);
struct UploadAccepted { uint8_t kind; uint8_t digest[32]; };
void put_UploadAccepted(struct Writer *w, const struct UploadAccepted *v);
void get_UploadAccepted(struct Reader *r, struct UploadAccepted *v);
struct UploadReady { int64_t received; uint8_t signatures; };
void put_UploadReady(struct Writer *w, const struct UploadReady *v);
void get_UploadReady(struct Reader *r, struct UploadReady *v);
struct Cosigned { int64_t size; int64_t time_s; uint8_t root[32]; uint8_t signature[64]; };
void put_Cosigned(struct Writer *w, const struct Cosigned *v);
void get_Cosigned(struct Reader *r, struct Cosigned *v);
struct Event { int64_t sequence; int64_t time_s; uint8_t kind; uint8_t phase; uint8_t cause; int64_t count; };
void put_Event(struct Writer *w, const struct Event *v);
void get_Event(struct Reader *r, struct Event *v);
struct NoEvent { int64_t newest; };
void put_NoEvent(struct Writer *w, const struct NoEvent *v);
void get_NoEvent(struct Reader *r, struct NoEvent *v);
struct Challenge { uint8_t challenge[16]; int64_t age_s; };
void put_Challenge(struct Writer *w, const struct Challenge *v);
void get_Challenge(struct Reader *r, struct Challenge *v);
struct Authority { int64_t policy_version; uint8_t policy_hash[32]; int64_t generation; int64_t firmware; int64_t pending_version; uint8_t pending_hash[32]; int64_t pending_due_s; int64_t vetoes; uint8_t overridden; uint8_t group; uint8_t unsealed; uint8_t orders; };
void put_Authority(struct Writer *w, const struct Authority *v);
void get_Authority(struct Reader *r, struct Authority *v);
struct ErrorReply { uint8_t cause; uint8_t message_id; };
void put_ErrorReply(struct Writer *w, const struct ErrorReply *v);
void get_ErrorReply(struct Reader *r, struct ErrorReply *v);
struct Factory { uint8_t pairing_key[32]; uint8_t witness_seed[32]; };
void put_Factory(struct Writer *w, const struct Factory *v);
void get_Factory(struct Reader *r, struct Factory *v);
struct HolderKey { uint8_t kind; uint16_t raw_bytes; uint8_t raw[65]; };
void put_HolderKey(struct Writer *w, const struct HolderKey *v);
void get_HolderKey(struct Reader *r, struct HolderKey *v);
struct Slot { int64_t begin_s; int64_t end_s; int64_t offset_s; };
void put_Slot(struct Writer *w, const struct Slot *v);
void get_Slot(struct Reader *r, struct Slot *v);
struct Window { struct Slot slot; int64_t link_s; };
void put_Window(struct Writer *w, const struct Window *v);
void get_Window(struct Reader *r, struct Window *v);
struct Group { uint8_t bays; uint8_t sealed; };
void put_Group(struct Writer *w, const struct Group *v);
void get_Group(struct Reader *r, struct Group *v);
struct Policy { int64_t version; uint8_t digest[32]; uint8_t vault_id[16]; uint8_t quorum; uint8_t holders_count; struct HolderKey holders[16]; uint8_t log_key[32]; uint8_t witness_key[32]; uint8_t windows_count; struct Window windows[8]; uint8_t scrubs_count; struct Slot scrubs[8]; uint8_t groups_count; struct Group groups[5]; int64_t generation; uint8_t vault[32]; int64_t delay_s; };
void put_Policy(struct Writer *w, const struct Policy *v);
void get_Policy(struct Reader *r, struct Policy *v);
struct Pending { struct Policy policy; int64_t due_s; int64_t vetoes; uint8_t overridden; };
void put_Pending(struct Writer *w, const struct Pending *v);
void get_Pending(struct Reader *r, struct Pending *v);
struct Log { int64_t size; uint8_t edge_count; uint8_t edge[63][32]; uint8_t last_leaf[32]; int64_t last_time_s; };
void put_Log(struct Writer *w, const struct Log *v);
void get_Log(struct Reader *r, struct Log *v);
struct Span { int64_t begin_s; int64_t end_s; };
void put_Span(struct Writer *w, const struct Span *v);
void get_Span(struct Reader *r, struct Span *v);
struct UsedWindow { int64_t number; int64_t begin_s; uint8_t tests_failed; uint8_t drive_half; };
void put_UsedWindow(struct Writer *w, const struct UsedWindow *v);
void get_UsedWindow(struct Reader *r, struct UsedWindow *v);
struct Nonce { uint8_t nonce[16]; int64_t expires_s; };
void put_Nonce(struct Writer *w, const struct Nonce *v);
void get_Nonce(struct Reader *r, struct Nonce *v);
struct Refusal { uint8_t cause; int64_t count; int64_t last_s; };
void put_Refusal(struct Writer *w, const struct Refusal *v);
void get_Refusal(struct Reader *r, struct Refusal *v);
struct Journal { int64_t newest; uint8_t events_count; struct Event events[64]; uint8_t refusals_count; struct Refusal refusals[80]; };
void put_Journal(struct Writer *w, const struct Journal *v);
void get_Journal(struct Reader *r, struct Journal *v);
struct Fram { struct Factory factory; int64_t sequence; int64_t firmware; uint8_t policies_count; struct Policy policies[1]; uint8_t pendings_count; struct Pending pendings[1]; uint8_t dropped_count; uint8_t dropped[16][32]; struct Log log; uint8_t exposure_count; struct Span exposure[32]; int64_t last_cut_s; int64_t time_floor_s; struct UsedWindow window; uint8_t nonces_count; struct Nonce nonces[64]; int64_t orders_after_s; uint8_t fault; uint8_t secured; uint8_t recovery_latched; struct Journal journal; };
void put_Fram(struct Writer *w, const struct Fram *v);
void get_Fram(struct Reader *r, struct Fram *v);
union Message { struct Hello Hello; struct Heartbeat Heartbeat; struct RequestPhase RequestPhase; struct Done Done; struct UploadBegin UploadBegin; struct UploadChunk UploadChunk; struct UploadSignature UploadSignature; struct Cosign Cosign; struct EventRead EventRead; struct HelloAck HelloAck; struct Status Status; struct Granted Granted; struct Refused Refused; struct CutWarning CutWarning; struct UploadAccepted UploadAccepted; struct UploadReady UploadReady; struct Cosigned Cosigned; struct Event Event; struct NoEvent NoEvent; struct Challenge Challenge; struct Authority Authority; struct ErrorReply ErrorReply; };
uint8_t get_message(const uint8_t *payload, size_t bytes, union Message *m); /* a Cause */
#endif
