/* The model's step, event by event (PROTOCOL 5): what was heard, and what a turn of the table does. */
#ifndef STEP_H
#define STEP_H
#include "state.h"

void step_message(const uint8_t *payload, size_t bytes);
void step_fault(uint8_t cause, int64_t count);

/* One turn of the phase table; `fault` names what BROKEN means, CAUSE_NONE else. */
void take(uint8_t turn, uint8_t fault);
void charge_link(void);

/* The reply to the present event: one message, as a payload. */
void say(uint8_t number);           /* begins it; further fields go to `reply` */
void refuse(uint8_t number, uint8_t cause);
void hear(uint8_t number, const union Message *m);
void upload(uint8_t number, const union Message *m);
extern struct Writer reply;

/* The controller's power cycle (PROTOCOL 5.5). */
void restart_follow(void);
uint8_t restart_finished(void);

/* One more event; `cause` was met `count` times more (PROTOCOL 8.5). */
void note(uint8_t kind, uint8_t cause, int64_t count);
void count_refusal(uint8_t cause, int64_t count);
void journal_power_on(void);

/* What the interlock says of itself. */
void say_status(void);
void say_greeting(void);
void say_authority(void);
bool warning_due(struct CutWarning *warning);

/* The witness (PROTOCOL 7.1): a refusal's cause, or NONE and the answer is said. */
uint8_t cosign(const struct Cosign *request);
void log_root(uint8_t root[32]);

/* The holders' texts (PROTOCOL 6, 7): false for another spelling. */
bool policy_read(struct Policy *facts, uint8_t previous[32], const uint8_t *text, size_t bytes);
bool order_read(struct Order *order, uint8_t kind, const uint8_t *text, size_t bytes);

/* From one policy to the next (PROTOCOL 12); each a refusal's cause, or NONE and it is done. */
uint8_t succession_propose(void);
uint8_t succession_object(void);
void succession_follow(void);
void succession_adopt(const struct Policy *facts);

/* Setting the clock by a quorum (PROTOCOL 13.4). */
void say_challenge(void);
uint8_t setting_judge(void);

/* Whether the holders signed the upload's text as its kind (PROTOCOL 6.3). */
bool signed_by(const struct HolderKey *key, size_t signature);
uint8_t signers(const struct Policy *facts, uint32_t *seen);
uint8_t quorum(const struct Policy *facts);
unsigned ones(uint32_t mask);
bool foreign(const struct Order *order, const struct Policy *facts); /* made for another vault or policy */
uint8_t order_judge(void);
#endif
