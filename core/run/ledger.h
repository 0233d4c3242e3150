/* SPDX-License-Identifier: Apache-2.0 */
/* run/ledger.h: what a stage has decided on: accumulators, as decide is shown them, of the first time of
 * looking at everything, then of the second. In a file, since there may be one a tensor; who decides
 * reads them back one by one. */
#ifndef ADZE_RUN_LEDGER_H
#define ADZE_RUN_LEDGER_H

#include "run/folder.h"

typedef struct adze_ledger {
  char *path;
  int fd;
  bool passing;     /* the file goes with the ledger */
  uint64_t entry;   /* bytes of one accumulator */
  uint64_t size;    /* of all of them */
  uint64_t current; /* where those of the time of looking that is under way begin */
} adze_ledger;

/* An empty one for stage ID, in the run folder. */
ADZE_MUST_CHECK adze_error *adze_ledger_make (const adze_folder *folder, const char *id,
                                              uint64_t entry, adze_ledger **ledger);
/* Once more everything is looked at: COUNT accumulators of ENTRY bytes, all of them empty. */
ADZE_MUST_CHECK adze_error *adze_ledger_begin (adze_ledger *ledger, uint64_t entry, size_t count);
/* Accumulator NUMBER of those. From several threads. */
ADZE_MUST_CHECK adze_error *adze_ledger_put (const adze_ledger *ledger, size_t number,
                                             const void *accumulator);
/* The one NUMBER behind byte FIRST. */
ADZE_MUST_CHECK adze_error *adze_ledger_get (const adze_ledger *ledger, uint64_t first,
                                             size_t number, void *accumulator);
void adze_ledger_close (adze_ledger *ledger);

static inline void
adze_cleanup_ledger (adze_ledger **ledger)
{
  adze_ledger_close (*ledger);
}

#define ADZE_AUTO_LEDGER __attribute__ ((cleanup (adze_cleanup_ledger))) adze_ledger *

/* Among what is noted of SEGMENT: on the disk when it returns. */
ADZE_MUST_CHECK adze_error *adze_ledger_keep (adze_ledger *ledger, adze_folder *folder,
                                              adze_hash128 segment, const char *id);
/* *LEDGER stays NULL when there is none, or it is damaged. */
ADZE_MUST_CHECK adze_error *adze_ledger_find (const adze_folder *folder, adze_hash128 segment,
                                              const char *id, adze_ledger **ledger);

/* A copy under PATH, whole or not at all: among the files of a result, and in the run folder for `adze
 * why`. */
ADZE_MUST_CHECK adze_error *adze_ledger_write (const adze_ledger *ledger, const char *path);
/* *LEDGER stays NULL when it is not there, or is none. */
ADZE_MUST_CHECK adze_error *adze_ledger_read (const char *path, adze_ledger **ledger);

/* "decided.ID" in the run folder; NULL without memory. */
char *adze_ledger_path (const adze_folder *folder, const char *id);

#endif
