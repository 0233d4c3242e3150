/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/refusal.h: why a plugin was not taken, as a record.
 *
 * A refusal is an error with the facts "step" and "file", and "needed", "found" and "hint" where
 * they are known. The steps are the stations of a plugin's way into the host, in order.
 */
#ifndef ADZE_PLUGIN_REFUSAL_H
#define ADZE_PLUGIN_REFUSAL_H

#include "base/error.h"

typedef enum adze_step {
  ADZE_STEP_FIND,      /* is there such a file? */
  ADZE_STEP_MANIFEST,  /* what does its manifest say, and does the binary agree? */
  ADZE_STEP_SIGNATURE, /* who vouches for it? */
  ADZE_STEP_DIGEST,    /* is it the file that was vouched for? */
  ADZE_STEP_ELF,       /* is it a shared object for this machine, whole? */
  ADZE_STEP_OPEN,      /* does the dynamic linker take it? */
  ADZE_STEP_SYMBOL,    /* has it an entry? */
  ADZE_STEP_ENTRY,     /* does the entry return? */
  ADZE_STEP_MAGIC,     /* is what it returned a descriptor? */
  ADZE_STEP_ABI,       /* of a contract that we can keep? */
  ADZE_STEP_FIELDS,    /* complete and sensible? */
  ADZE_STEP_DUPLICATE, /* are its names free? */
  ADZE_STEP_LIBRARY,   /* foreign: is the library there, in the right version? */
  ADZE_STEP_BINDING,   /* foreign: do its functions fit what the manifest says? */
  ADZE_STEP_SELF_TEST, /* foreign: are the results right? */
  ADZE_STEP_INIT       /* does it start? */
} adze_step;

const char *adze_step_name (adze_step step);

/* "cannot use PATH: FORMAT", with the facts step and file. */
ADZE_MUST_CHECK ADZE_PRINTF (4, 5) adze_error *adze_refusal (adze_status status, adze_step step,
                                                             const char *path,
                                                             const char *format, ...);

/* Adds the three facts, any of which may be NULL, and returns REFUSAL. */
ADZE_MUST_CHECK adze_error *adze_refusal_facts (adze_error *refusal, const char *needed,
                                                const char *found, const char *hint);

#endif
