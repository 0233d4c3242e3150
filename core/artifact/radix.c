/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/radix.c: a pass for each byte of the key, the lowest first. */
#include "artifact/radix.h"

#include <string.h>

enum { DIGITS = 8, VALUES = 256 };

static uint64_t
key_of (const char *item, size_t key)
{
  uint64_t value;
  memcpy (&value, item + key, sizeof value);
  return value;
}

/* STARTS: how many items have each value of each byte. */
static void
count_digits (const char *items, size_t count, size_t size, size_t key,
              size_t starts[DIGITS][VALUES])
{
  memset (starts, 0, sizeof (size_t[DIGITS][VALUES]));
  for (size_t i = 0; i < count; i++) {
    uint64_t value = key_of (items + i * size, key);
    for (unsigned digit = 0; digit < DIGITS; digit++)
      starts[digit][value >> (8 * digit) & 0xff]++;
  }
}

/* A byte that all keys have in common orders nothing. */
static int
is_common (const size_t starts[VALUES], const char *items, size_t count, size_t key, unsigned digit)
{
  return starts[key_of (items, key) >> (8 * digit) & 0xff] == count;
}

static void
pass (const char *from, char *into, size_t count, size_t size, size_t key, unsigned digit,
      size_t starts[VALUES])
{
  size_t next = 0;
  for (unsigned value = 0; value < VALUES; value++) {
    size_t here = starts[value];
    starts[value] = next;
    next += here;
  }
  for (size_t i = 0; i < count; i++, from += size)
    memcpy (into + size * starts[key_of (from, key) >> (8 * digit) & 0xff]++, from, size);
}

void
adze_radix_sort (void *items, void *scratch, size_t count, size_t size, size_t key)
{
  size_t starts[DIGITS][VALUES];
  char *from = items, *into = scratch;
  if (count < 2)
    return;
  count_digits (from, count, size, key, starts);
  for (unsigned digit = 0; digit < DIGITS; digit++) {
    if (is_common (starts[digit], from, count, key, digit))
      continue;
    pass (from, into, count, size, key, digit, starts[digit]);
    char *sorted = into;
    into = from;
    from = sorted;
  }
  if (from != (char *)items)
    memcpy (items, from, count * size);
}
