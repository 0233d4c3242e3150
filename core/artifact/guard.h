/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/guard.h: what the files of a run, or of a conversion, must not be written over: files that
 * it reads, and those that another of its outputs has. It is asked when names are chosen, and once
 * more right before files get them. */
#ifndef ADZE_ARTIFACT_GUARD_H
#define ADZE_ARTIFACT_GUARD_H

#include "artifact/model.h"

typedef struct adze_guarded {
  uint64_t device, inode; /* of the file; with NAME, of the folder that it is to lie in */
  char *name;             /* NULL: a file that is there */
  char *owner;            /* for people: what reads it, or which output it belongs to */
} adze_guarded;

/* Zeros: nothing is guarded. For one thread at a time. */
typedef struct adze_guard {
  adze_guarded *entries;
  size_t count;
  /* Is told of each temporary file before it is made; NULL: nobody is. */
  adze_error *(*note) (void *context, const char *temporary);
  void *context;
} adze_guard;

void adze_guard_cleanup (adze_guard *guard);

/* The file at PATH is read, as OWNER ("the input 'model'"). There need not be one. */
ADZE_MUST_CHECK adze_error *adze_guard_add (adze_guard *guard, const char *path,
                                            const char *owner);
/* All that MODEL was opened from. */
ADZE_MUST_CHECK adze_error *adze_guard_add_model (adze_guard *guard, const adze_model *model,
                                                  const char *owner);

/* May OWNER write a file at PATH? */
ADZE_MUST_CHECK adze_error *adze_guard_check (const adze_guard *guard, const char *path,
                                              const char *owner);
/* The same, and from now on no other may; but where the folder is yet to be made, nothing is kept. */
ADZE_MUST_CHECK adze_error *adze_guard_claim (adze_guard *guard, const char *path,
                                              const char *owner);

#endif
