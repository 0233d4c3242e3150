/* SPDX-License-Identifier: Apache-2.0 */
/* idx_spans.c: unpacked examples in memory, without their zeros. Half of the pictures that people train
 * on is background, and all of them lie in memory as long as training goes on: an example is kept as
 * spans, each of which is so many zeros and then so many bytes as they are. One that would not become
 * shorter is kept as it is. */
#include "idx.h"

#include <stdlib.h>
#include <string.h>

/* Two bytes in front of each span: zeros, and bytes. */
enum { HEAD = 2, MOST = 255 };
/* Fewer zeros than these in a row stay among the bytes. */
enum { WORTH = 4 };
/* Where an example begins takes eight bytes, so that short ones are not worth it. */
enum { SHORT = 64 };

bool
idx_store_make (idx_store *store, size_t count, size_t size)
{
  store->example_size = size;
  /* Not from the host, whose memory is zeros: what is not filled must take no memory. */
  store->bytes = (unsigned char *)malloc (count * size);
  if (store->bytes && size >= SHORT)
    store->starts = (uint64_t *)calloc (count + 1, sizeof *store->starts);
  return store->bytes && (size < SHORT || store->starts);
}

void
idx_store_release (idx_store *store)
{
  free (store->bytes);
  free (store->starts);
}

void
idx_store_settle (idx_store *store)
{
  unsigned char *less = (unsigned char *)realloc (store->bytes, store->used > 0 ? store->used : 1);
  if (less)
    store->bytes = less;
}

static size_t
zeros_at (const unsigned char *bytes, size_t size)
{
  size_t count = 0;
  while (count < size && bytes[count] == 0)
    count++;
  return count;
}

/* Bytes up to the next zeros that are worth leaving out. */
static size_t
span_at (const unsigned char *bytes, size_t size)
{
  size_t zeros = 0;
  for (size_t i = 0; i < size; i++) {
    zeros = bytes[i] == 0 ? zeros + 1 : 0;
    if (zeros == WORTH)
      return i + 1 - WORTH;
  }
  return size - zeros;
}

/* Writes EXAMPLE to INTO, where there is room for as many bytes as it has; 0: that was not enough. */
static size_t
shrink (const unsigned char *example, size_t size, unsigned char *into)
{
  size_t used = 0;
  for (size_t at = 0; at < size;) {
    size_t zeros = zeros_at (example + at, size - at < MOST ? size - at : MOST);
    size_t left = size - at - zeros;
    size_t count = span_at (example + at + zeros, left < MOST ? left : MOST);
    if (HEAD + count >= size - used)
      return 0;
    into[used] = (unsigned char)zeros;
    into[used + 1] = (unsigned char)count;
    memcpy (into + used + HEAD, example + at + zeros, count);
    used += HEAD + count;
    at += zeros + count;
  }
  return used;
}

static void
grow (const unsigned char *from, size_t length, unsigned char *into, size_t size)
{
  memset (into, 0, size);
  for (size_t at = 0; at < length;) {
    size_t count = from[at + 1];
    into += from[at];
    memcpy (into, from + at + HEAD, count);
    into += count;
    at += HEAD + count;
  }
}

void
idx_store_put (idx_store *store, size_t first, const unsigned char *examples, size_t count)
{
  size_t size = store->example_size;
  if (!store->starts) {
    memcpy (store->bytes + store->used, examples, count * size);
    store->used += count * size;
    return;
  }
  for (size_t i = 0; i < count; i++, examples += size) {
    size_t length = shrink (examples, size, store->bytes + store->used);
    if (length == 0)
      memcpy (store->bytes + store->used, examples, length = size);
    store->used += length;
    store->starts[first + i + 1] = store->used;
  }
}

void
idx_store_get (const idx_store *store, uint64_t first, size_t count, unsigned char *into)
{
  size_t size = store->example_size;
  if (!store->starts) {
    memcpy (into, store->bytes + first * size, count * size);
    return;
  }
  for (uint64_t i = first; i < first + count; i++, into += size) {
    const unsigned char *from = store->bytes + store->starts[i];
    size_t length = (size_t)(store->starts[i + 1] - store->starts[i]);
    if (length == size)
      memcpy (into, from, size);
    else
      grow (from, length, into, size);
  }
}
