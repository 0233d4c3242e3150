/* SPDX-License-Identifier: Apache-2.0 */
/* Examples found again, whatever order an epoch gives them in. An example has no number that a technique could ask
 * for, but it has bytes: what the networks are shown of it. A key is 128 bits made of these; two examples of the
 * same bytes get the same answers anyway. */
#ifndef DISTILL_KEYS_H
#define DISTILL_KEYS_H

#include <adze/sdk.h>

typedef struct distill_key {
  uint64_t first, second;
} distill_key;

/* Bytes are stirred in part by part; the end is distill_key_end. */
static inline distill_key
distill_key_begin (void)
{
  return (distill_key){ UINT64_C (0x243f6a8885a308d3), UINT64_C (0x13198a2e03707344) };
}

void distill_key_add (distill_key *key, const void *bytes, size_t size);
void distill_key_end (distill_key *key);

/* A table from keys to numbers from 0. Begins as zeros. */
typedef struct distill_keys {
  distill_key *keys; /* by number */
  uint32_t *slots;   /* number + 1; 0: free */
  size_t count;
  size_t room;       /* keys that fit */
  size_t mask;       /* of slots */
} distill_keys;

/* Room for MOST keys in all. */
adze_status distill_keys_open (const adze_host *host, distill_keys *keys, size_t most);
void distill_keys_close (const adze_host *host, distill_keys *keys);
/* SIZE_MAX: it is not there. */
size_t distill_keys_find (const distill_keys *keys, distill_key key);
/* The number of KEY, which is the next one where it was not there. There must be room. */
size_t distill_keys_put (distill_keys *keys, distill_key key);

#endif
