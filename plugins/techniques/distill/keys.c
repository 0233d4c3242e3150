/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "keys.h"

static inline uint64_t
turn (uint64_t number, int by)
{
  return number << by | number >> (64 - by);
}

/* The two halves take each word by themselves, with other numbers, so that they are 128 bits together. */
static inline void
stir (distill_key *key, uint64_t word)
{
  key->first = turn (key->first ^ word * UINT64_C (0x9e3779b97f4a7c15), 27) * UINT64_C (0xc2b2ae3d27d4eb4f);
  key->second = turn (key->second ^ word * UINT64_C (0xd6e8feb86659fd93), 31) * UINT64_C (0xff51afd7ed558ccd);
}

void
distill_key_add (distill_key *key, const void *bytes, size_t size)
{
  const char *at = (const char *)bytes;
  uint64_t word;
  size_t i = 0;
  for (; i + sizeof word <= size; i += sizeof word) {
    memcpy (&word, at + i, sizeof word);
    stir (key, word);
  }
  word = 0;
  if (i < size)
    memcpy (&word, at + i, size - i);
  stir (key, word);
  stir (key, size);
}

static uint64_t
finish (uint64_t number)
{
  number = (number ^ number >> 33) * UINT64_C (0xff51afd7ed558ccd);
  number = (number ^ number >> 33) * UINT64_C (0xc4ceb9fe1a85ec53);
  return number ^ number >> 33;
}

void
distill_key_end (distill_key *key)
{
  uint64_t first = key->first + turn (key->second, 32);
  key->second = finish (key->second + key->first);
  key->first = finish (first);
}

adze_status
distill_keys_open (const adze_host *host, distill_keys *keys, size_t most)
{
  size_t slots = 64;
  memset (keys, 0, sizeof *keys);
  while (slots < most * 2 && slots < UINT32_MAX / 2)
    slots *= 2;
  keys->keys = (distill_key *)host->allocate (host, (most + 1) * sizeof *keys->keys);
  keys->slots = (uint32_t *)host->allocate (host, slots * sizeof *keys->slots);
  if (!keys->keys || !keys->slots || most >= slots)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the keys of %zu examples", most);
  memset (keys->slots, 0, slots * sizeof *keys->slots);
  keys->room = most;
  keys->mask = slots - 1;
  return ADZE_OK;
}

void
distill_keys_close (const adze_host *host, distill_keys *keys)
{
  host->release (host, keys->keys);
  host->release (host, keys->slots);
  memset (keys, 0, sizeof *keys);
}

/* Where KEY is, or where it would be. */
static size_t
place_of (const distill_keys *keys, distill_key key)
{
  size_t at = (size_t)key.first & keys->mask;
  for (;; at = (at + 1) & keys->mask) {
    const distill_key *there = keys->slots[at] ? &keys->keys[keys->slots[at] - 1] : NULL;
    if (!there || (there->first == key.first && there->second == key.second))
      return at;
  }
}

size_t
distill_keys_find (const distill_keys *keys, distill_key key)
{
  uint32_t slot = keys->slots[place_of (keys, key)];
  return slot ? slot - 1 : SIZE_MAX;
}

size_t
distill_keys_put (distill_keys *keys, distill_key key)
{
  size_t at = place_of (keys, key);
  if (!keys->slots[at]) {
    keys->keys[keys->count++] = key;
    keys->slots[at] = (uint32_t)keys->count;
  }
  return keys->slots[at] - 1;
}
