/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/self_test.h: what the tests of a binding share: blocks of memory that show who
 * wrote where, and the words of a complaint. Private to the self_test*.c files. */
#ifndef ADZE_PLUGIN_FOREIGN_SELF_TEST_H
#define ADZE_PLUGIN_FOREIGN_SELF_TEST_H

#include "plugin/foreign/call.h"

/* A block with guards: bytes that the function may write, or may only read. */
typedef struct adze_block {
  unsigned char *memory;
  unsigned char *before; /* a copy of memory, to compare with */
  size_t size;           /* without the guards */
} adze_block;

void adze_block_cleanup (adze_block *block);
/* Filled with what is not a number in either type. */
ADZE_MUST_CHECK adze_error *adze_block_make (adze_block *block, size_t size);
void *adze_block_data (const adze_block *block);
const void *adze_block_data_before (const adze_block *block);
void adze_block_remember (adze_block *block);
bool adze_block_guards_intact (const adze_block *block);
bool adze_block_intact (const adze_block *block);

/* Which vector, of which function: the first half of every complaint. */
typedef struct adze_trial {
  const adze_foreign *foreign;
  const adze_foreign_vector *vector;
  const adze_kernel *kernel;
  char about[160];
} adze_trial;

ADZE_MUST_CHECK adze_error *adze_trial_refusal (const adze_trial *trial,
                                                        const char *needed, const char *found);
/* WHERE names the element. */
ADZE_MUST_CHECK adze_error *adze_trial_wrong (const adze_trial *trial,
                                                      const char *where, double expected,
                                                      double found);
/* What a call has said, which may be NULL. */
ADZE_MUST_CHECK adze_error *adze_trial_call (const adze_trial *trial,
                                                     adze_error *error);
bool adze_foreign_near (double expected, double found, double tolerance);

/* self_test_kernel.c: a vector of a contract. */
ADZE_MUST_CHECK adze_error *adze_foreign_kernel_try (const adze_trial *trial);

#endif
