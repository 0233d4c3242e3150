/* SPDX-License-Identifier: Apache-2.0 */
/* base/event_queue.h: a listener that is called on a thread of its own, so that whoever emits an
 * event does not wait for it.
 *
 * Events are copied and handed over in their order. At most so many bytes of them wait; then the
 * emitter does, since no event is lost. A listener that fails gets no further events.
 */
#ifndef ADZE_BASE_EVENT_QUEUE_H
#define ADZE_BASE_EVENT_QUEUE_H

#include "base/event.h"

typedef struct adze_event_queue adze_event_queue;

/* Called one at a time. What it emits on the queue's bus is dropped, as with any listener. It must
 * not wait for anything that an emitter may hold. */
typedef adze_error *(*adze_event_handler) (void *argument, const adze_event *event);

#define ADZE_EVENT_QUEUE_MOST ((size_t)4 << 20)

/* Listens to BUS from now on. MOST bytes may wait. SIZE_MAX: there is no bound, and no emitter ever
 * waits; then an event for which there is no memory is a failure of the listener. */
ADZE_MUST_CHECK adze_error *adze_event_queue_open (adze_event_bus *bus, size_t most,
                                                   adze_event_handler handler, void *argument,
                                                   adze_event_queue **queue);

/* Waits until the listener has seen all that was emitted before, and returns a copy of its failure
 * if it ever failed. */
ADZE_MUST_CHECK adze_error *adze_event_queue_barrier (adze_event_queue *queue);

/* How often somebody had to wait for the listener, and how long altogether. */
void adze_event_queue_waits (adze_event_queue *queue, uint64_t *times, int64_t *waited_ns);

/* Listens no more, once what was emitted has been seen; the failure, as above, which is handed over.
 * Ending it again does nothing. */
ADZE_MUST_CHECK adze_error *adze_event_queue_end (adze_event_queue *queue);
void adze_event_queue_close (adze_event_queue *queue);

#endif
