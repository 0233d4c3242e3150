/* SPDX-License-Identifier: Apache-2.0 */
/* sort.c: tensors in the order in which their bytes lie, in time that grows with their number alone:
 * whoever made the file chose the order in the header. */
#include <stdlib.h>

#include "safetensors.h"

#define DIGITS 8
#define VALUES 256

static uint64_t
begin_of (const safetensors_tensor *tensor)
{
  return tensor->begin;
}

static uint64_t
end_of (const safetensors_tensor *tensor)
{
  return tensor->end;
}

typedef uint64_t (*key_of) (const safetensors_tensor *tensor);

/* One byte of the keys; equal ones stay as they are to each other. */
static void
pass (const safetensors_tensor *from, safetensors_tensor *into, size_t count, key_of key,
      unsigned digit, size_t starts[VALUES])
{
  size_t next = 0;
  for (unsigned value = 0; value < VALUES; value++) {
    size_t here = starts[value];
    starts[value] = next;
    next += here;
  }
  for (size_t i = 0; i < count; i++)
    into[starts[key (&from[i]) >> (8 * digit) & 0xff]++] = from[i];
}

/* A pass for each byte in which keys differ, the lowest first. */
static void
sort_by (safetensors_header *header, safetensors_tensor **scratch, key_of key)
{
  size_t starts[DIGITS][VALUES] = { { 0 } };
  for (size_t i = 0; i < header->count; i++)
    for (unsigned digit = 0; digit < DIGITS; digit++)
      starts[digit][key (&header->tensors[i]) >> (8 * digit) & 0xff]++;
  for (unsigned digit = 0; digit < DIGITS; digit++) {
    if (starts[digit][key (header->tensors) >> (8 * digit) & 0xff] == header->count)
      continue;
    pass (header->tensors, *scratch, header->count, key, digit, starts[digit]);
    safetensors_tensor *sorted = *scratch;
    *scratch = header->tensors;
    header->tensors = sorted;
  }
}

static bool
is_sorted (const safetensors_header *header)
{
  for (size_t i = 1; i < header->count; i++) {
    const safetensors_tensor *one = &header->tensors[i - 1], *other = &header->tensors[i];
    if (one->begin > other->begin || (one->begin == other->begin && one->end > other->end))
      return false;
  }
  return true;
}

/* An empty tensor before the one whose place it shares, else as in the header. */
bool
safetensors_sort_tensors (safetensors_header *header)
{
  if (is_sorted (header))
    return true;
  safetensors_tensor *scratch = calloc (header->count, sizeof *scratch);
  if (!scratch)
    return false;
  sort_by (header, &scratch, end_of);
  sort_by (header, &scratch, begin_of);
  free (scratch);
  header->room = header->count;
  return true;
}
