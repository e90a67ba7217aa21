/* Whether anything may be live right now: the conditions, each with its cause (PROTOCOL 5.2). NONE is permitted. */
#ifndef PERMITS_H
#define PERMITS_H
#include "state.h"

struct Span next_of(const struct Slot *slot, int64_t now);
bool link_span(struct Span *span);
bool drive_span(struct Span *span, uint8_t phase);
bool heartbeat_fresh(void);
int64_t budget_left_s(void);
int64_t gap_left_s(void);
int64_t exposure_used_s(int64_t now);
int64_t tests_failed(void);
void exposure_forget(void); /* what is over for more than a day */
uint8_t current_group(void);   /* from 1; 0 without a policy */
uint32_t bays_of(uint8_t phase); /* that `phase` may feed; bit 0 for bay 1 */
uint8_t link_barred(void);
uint8_t link_request_barred(void);
uint8_t drives_barred(uint8_t phase);
uint8_t drives_request_barred(uint8_t phase);
struct Drive levels(void);
#endif
