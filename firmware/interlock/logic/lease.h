/* What the foreground grants to the tick interrupt for a while, and the interrupt's own judgement. */
#ifndef LEASE_H
#define LEASE_H

void lease_publish(void);
#endif
