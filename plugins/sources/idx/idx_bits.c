/* SPDX-License-Identifier: Apache-2.0 */
/* idx_bits.c: unpacked examples in memory, without their zeros. Half of the pictures that people train on is
 * background, and all of them lie in memory as long as training goes on: an example is kept as a bit for each of
 * its bytes, which says whether it is something, and the bytes that are not zero. Of the bits only those are kept
 * that differ from the row above. One that would not become shorter is kept as it is. Spans, so many zeros and then so many bytes, took ten times as long to read: no
 * processor guesses where they end. */
#include "idx.h"

#include <stdlib.h>
#include <string.h>

#if defined __x86_64__
#include <immintrin.h>
#endif

/* A word of bits stands for so many bytes. So much more than an example has may be written of it. */
enum { WORD = 64, SLACK = 4 * WORD };
/* Where an example begins takes four bytes, so that short ones are not worth it. */
enum { SHORT = 64 };
/* What a processor fetches at once, and how much of an example is asked for. */
enum { LINE = 64, LINES = 32 };

/* ---- The bytes of a word, COUNT of them. Where those that are left begin, WORD can be read and written. */

struct idx_words {
  /* Writes those that are no zeros to *INTO, which moves on; the result has a bit for each. */
  uint64_t (*leave_out) (const unsigned char *bytes, size_t count, unsigned char **into);
  /* The way back; the result is where those of the next word begin. */
  const unsigned char *(*put_in) (const unsigned char *from, uint64_t bits, unsigned char *bytes,
                                  size_t count);
};

static uint64_t
leave_out (const unsigned char *bytes, size_t count, unsigned char **into)
{
  uint64_t bits = 0;
  for (size_t i = 0; i < count; i++) {
    **into = bytes[i];
    *into += bytes[i] != 0;
    bits |= (uint64_t)(bytes[i] != 0) << i;
  }
  return bits;
}

static const unsigned char *
put_in (const unsigned char *from, uint64_t bits, unsigned char *bytes, size_t count)
{
  for (size_t i = 0; i < count; i++, bits >>= 1) {
    bytes[i] = (unsigned char)(bits & 1 ? *from : 0);
    from += bits & 1;
  }
  return from;
}

static const idx_words plain = { .leave_out = leave_out, .put_in = put_in };

#if defined __x86_64__
#define VECTORS __attribute__ ((target ("avx512f,avx512bw,avx512vbmi2,popcnt")))

VECTORS static uint64_t
leave_out_vector (const unsigned char *bytes, size_t count, unsigned char **into)
{
  __m512i all = _mm512_maskz_loadu_epi8 (~(uint64_t)0 >> (WORD - count), bytes);
  __mmask64 bits = _mm512_test_epi8_mask (all, all);
  _mm512_storeu_si512 (*into, _mm512_maskz_compress_epi8 (bits, all));
  *into += __builtin_popcountll (bits);
  return bits;
}

VECTORS static const unsigned char *
put_in_vector (const unsigned char *from, uint64_t bits, unsigned char *bytes, size_t count)
{
  __m512i all = _mm512_maskz_expand_epi8 (bits, _mm512_loadu_si512 (from));
  _mm512_mask_storeu_epi8 (bytes, ~(uint64_t)0 >> (WORD - count), all);
  return from + __builtin_popcountll (bits);
}

static const idx_words *
choose_words (void)
{
  static const idx_words vector = { .leave_out = leave_out_vector, .put_in = put_in_vector };
  bool there = __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512vbmi2")
               && __builtin_cpu_supports ("popcnt");
  return there ? &vector : &plain;
}
#else
static const idx_words *
choose_words (void)
{
  return &plain;
}
#endif

/* ---- An example. */

/* Of WORD the bits of the row above, where they are in WORD itself and not in the one BEFORE it. */
static uint64_t
above (const idx_store *store, uint64_t before, uint64_t word)
{
  if (store->row == 0)
    return 0;
  return (store->row < WORD ? word << store->row : 0) | before >> (WORD - store->row);
}

/* The way back: WORD is what differs from the row above, of which the beginning is known and then more and more. */
static uint64_t
add_above (const idx_store *store, uint64_t before, uint64_t word)
{
  word ^= above (store, before, 0);
  for (size_t row = store->row; row > 0 && row < WORD; row *= 2)
    word ^= word << row;
  return word;
}

/* Writes EXAMPLE to INTO, where there is room for as many bytes as it has and some words more; 0: it would become
 * no shorter. */
static size_t
shrink (const idx_store *store, const unsigned char *example, unsigned char *into)
{
  size_t size = store->example_size;
  unsigned char *next = into, *end = into + size, rest[WORD + WORD];
  uint64_t before = 0;
  for (size_t at = 0; at < size && next < end; at += WORD) {
    unsigned char *left = rest, *differing = next + 1;
    uint64_t bits = store->words->leave_out (example + at, size - at < WORD ? size - at : WORD, &left);
    uint64_t differs = bits ^ above (store, before, bits);
    *next = (unsigned char)store->words->leave_out ((const unsigned char *)&differs, sizeof differs,
                                                    &differing);
    memcpy (differing, rest, (size_t)(left - rest));
    next = differing + (left - rest);
    before = bits;
  }
  return next < end ? (size_t)(next - into) : 0;
}

static void
grow (const idx_store *store, const unsigned char *from, unsigned char *into)
{
  size_t size = store->example_size;
  uint64_t bits = 0, differs;
  for (size_t at = 0; at < size; at += WORD) {
    from = store->words->put_in (from + 1, *from, (unsigned char *)&differs, sizeof differs);
    bits = add_above (store, bits, differs);
    from = store->words->put_in (from, bits, into + at, size - at < WORD ? size - at : WORD);
  }
}

/* ---- All of them. */

bool
idx_store_make (idx_store *store, size_t count, size_t size, size_t row)
{
  store->example_size = size;
  store->row = row <= WORD ? (unsigned)row : 0;
  store->words = choose_words ();
  /* Not from the host, whose memory is zeros: what is not filled must take no memory. */
  store->bytes = (unsigned char *)malloc (count * size + SLACK);
  bool shorter = size >= SHORT && count * size <= UINT32_MAX;
  if (store->bytes && shorter)
    store->starts = (uint32_t *)calloc (count + 1, sizeof *store->starts);
  return store->bytes && (!shorter || store->starts);
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
  unsigned char *less = (unsigned char *)realloc (store->bytes, store->used + SLACK);
  if (less)
    store->bytes = less;
}

void
idx_store_expect (const idx_store *store, uint64_t example, uint64_t after)
{
  if (store->starts)
    __builtin_prefetch (&store->starts[after]);
  uint64_t first = store->starts ? store->starts[example] : example * store->example_size;
  uint64_t end = store->starts ? store->starts[example + 1] : first + store->example_size;
  for (uint64_t at = first; at < end && at < first + LINES * LINE; at += LINE)
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
    size_t length = shrink (store, examples, store->bytes + store->used);
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
    if (store->starts[i + 1] - store->starts[i] == size)
      memcpy (into, from, size);
    else
      grow (store, from, into);
  }
}
