/* SPDX-License-Identifier: Apache-2.0 */
/* idx_spans.c: unpacked examples in memory, without their zeros. Half of the pictures that people train
 * on is background, and all of them lie in memory as long as training goes on: an example is kept as
 * spans, each of which is so many zeros and then so many bytes as they are. One that would not become
 * shorter is kept as it is. */
#include "idx.h"

#include <stdlib.h>
#include <string.h>

/* In front of each span: how many zeros, and how many bytes. Three bits and five of one byte where they suffice, as
 * for most; their last code says that a byte follows with the number. */
enum { HEAD = 3, MOST = 255, MANY_ZEROS = 7, MANY_BYTES = 31, BITS = 5 };
/* Fewer zeros than these in a row stay among the bytes. */
enum { WORTH = 4 };
/* Where an example begins takes four bytes, so that short ones are not worth it. */
enum { SHORT = 64 };
/* So many bytes are copied at once, and what is too much is written over by what comes behind it. */
enum { STEP = 32 };
/* What a processor fetches at once. */
enum { LINE = 64 };

bool
idx_store_make (idx_store *store, size_t count, size_t size)
{
  store->example_size = size;
  /* Not from the host, whose memory is zeros: what is not filled must take no memory. */
  store->bytes = (unsigned char *)malloc (count * size + STEP);
  bool spans = size >= SHORT && count * size <= UINT32_MAX;
  if (store->bytes && spans)
    store->starts = (uint32_t *)calloc (count + 1, sizeof *store->starts);
  return store->bytes && (!spans || store->starts);
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
  unsigned char *less = (unsigned char *)realloc (store->bytes, store->used + STEP);
  if (less)
    store->bytes = less;
}

static size_t
zeros_at (const unsigned char *bytes, size_t size)
{
  size_t count = 0;
  for (uint64_t word = 0; count + sizeof word <= size; count += sizeof word) {
    memcpy (&word, bytes + count, sizeof word);
    if (word != 0)
      break;
  }
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
    /* Among WORTH bytes of which the last is no zero none begins that is long enough. */
    while (zeros == 0 && i + WORTH <= size && bytes[i + WORTH - 1] != 0)
      i += WORTH;
    if (i == size)
      break;
    zeros = bytes[i] == 0 ? zeros + 1 : 0;
    if (zeros == WORTH)
      return i + 1 - WORTH;
  }
  return size - zeros;
}

/* Zeros that have a code: none, and those of WORTH and a few more. */
static const unsigned char few_zeros[MANY_ZEROS] = { 0, 4, 5, 6, 7, 8, 9 };

static size_t
put_head (unsigned char *into, size_t zeros, size_t count)
{
  size_t code = 0, used = 1;
  while (code < MANY_ZEROS && few_zeros[code] != zeros)
    code++;
  into[0] = (unsigned char)(code << BITS | (count < MANY_BYTES ? count : MANY_BYTES));
  if (code == MANY_ZEROS)
    into[used++] = (unsigned char)zeros;
  if (count >= MANY_BYTES)
    into[used++] = (unsigned char)count;
  return used;
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
    used += put_head (into + used, zeros, count);
    memcpy (into + used, example + at + zeros, count);
    used += count;
    at += zeros + count;
  }
  return used;
}

/* Spans are short, and there are thirty in a picture: each by a call of its own took longer than a
 * network's arithmetic for the picture. */
static void
grow (const unsigned char *from, size_t length, unsigned char *into, size_t size)
{
  const unsigned char *end = into + size;
  for (size_t at = 0; at < length;) {
    unsigned head = from[at++];
    size_t zeros = head >> BITS < MANY_ZEROS ? few_zeros[head >> BITS] : from[at++];
    size_t count = (head & MANY_BYTES) < MANY_BYTES ? head & MANY_BYTES : from[at++];
    const unsigned char *bytes = from + at;
    bool last = (size_t)(end - into) < zeros + count + STEP;
    for (size_t i = 0; i < zeros && !last; i += STEP)
      memset (into + i, 0, STEP);
    if (last)
      memset (into, 0, zeros);
    into += zeros;
    for (size_t i = 0; i < count && !last; i += STEP)
      memcpy (into + i, bytes + i, STEP);
    if (last)
      memcpy (into, bytes, count);
    into += count;
    at += count;
  }
}

void
idx_store_expect (const idx_store *store, uint64_t example, uint64_t after)
{
  if (store->starts)
    __builtin_prefetch (&store->starts[after]);
  uint64_t first = store->starts ? store->starts[example] : example * store->example_size;
  uint64_t end = store->starts ? store->starts[example + 1] : first + store->example_size;
  for (uint64_t at = first; at < end && at < first + 32 * LINE; at += LINE)
    __builtin_prefetch (store->bytes + at);
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
    store->starts[first + i + 1] = (uint32_t)store->used;
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
