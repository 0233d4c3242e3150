/* SPDX-License-Identifier: Apache-2.0 */
/* stage/remote_private.h: what remote.c (a worker's life), remote_work.c (a technique's calls) and
 * remote_job.c (its jobs) share. */
#ifndef ADZE_STAGE_REMOTE_PRIVATE_H
#define ADZE_STAGE_REMOTE_PRIVATE_H

#include "plugin/worker_client.h"
#include "stage/remote.h"
#include "stage/wire.h"

/* What a part of the area is lent for. */
typedef enum adze_loan_kind {
  ADZE_LOAN_INPUT,
  ADZE_LOAN_OUTPUT,
  ADZE_LOAN_ACCUMULATOR
} adze_loan_kind;

typedef struct adze_loan {
  adze_loan_kind kind;
  size_t index;
  size_t offset;
  size_t size;
} adze_loan;

struct adze_remote {
  adze_worker *worker;
  adze_event_bus *bus; /* NULL: none */
  char *stage;
  char *component;
  char *settings; /* for messages: a failed stage is named with its parameters */
  int64_t time_limit_ms;
  uint64_t memory_limit;
  bool aside;
  bool replaying;
  bool applying;
  bool asked;  /* the worker was, so that what fails from here on fails on the way to an answer */
  bool broken; /* the worker is gone */
  bool ended;  /* it was asked to destroy and has answered, or never will */
  adze_instance_facts facts;
  char **words; /* preserves, NULL, breaks, NULL, keeps, NULL */
  size_t word_room;
  adze_loan *loans;
  size_t loan_count;
  uint64_t repeatable; /* what the last request was, less what "again" tells; 0: nothing to repeat */
  size_t group;        /* that it was of */
};

/* Bytes that follow a request, in order. */
typedef struct adze_parcel {
  const void *data;
  size_t size;
} adze_parcel;

typedef struct adze_shipment {
  adze_value *request;
  adze_parcel *parcels;
  size_t count;
  void **owned; /* to be freed afterwards */
  size_t owned_count;
  bool failed;
} adze_shipment;

void adze_shipment_begin (adze_shipment *shipment, const char *verb);
void adze_shipment_cleanup (adze_shipment *shipment);
/* Says in ROW where the bytes are: in the area, or behind the request. */
void adze_shipment_add (const adze_remote *remote, adze_shipment *shipment, adze_value *row,
                        const void *data, size_t size);
/* Sends it, and waits for the answer, which is "ok" of REPLY's root. */
ADZE_MUST_CHECK adze_error *adze_remote_exchange (adze_remote *remote,
                                                  const adze_shipment *shipment,
                                                  adze_document *reply);
/* Is the memory part of the area, and where? */
bool adze_remote_in_area (const adze_remote *remote, const void *data, size_t size,
                          size_t *offset);
void *adze_remote_lend (adze_remote *remote, adze_loan_kind kind, size_t index, size_t size);

/* The error, with what the worker was doing; a conversation that failed is over. */
ADZE_MUST_CHECK adze_error *adze_remote_explain (adze_remote *remote, const char *callback,
                                                 adze_error *error);
ADZE_MUST_CHECK adze_error *adze_remote_check (const adze_remote *remote);

#endif
