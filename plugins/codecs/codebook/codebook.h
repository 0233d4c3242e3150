/* SPDX-License-Identifier: Apache-2.0 */
/* codebook.h: what the files of this plugin share.
 *   codebook.c        parameters, callbacks, component
 *   codebook_seen.c   which values there are
 *   codebook_codes.c  values to places in their book and back
 *   codebook_graph.c  the nodes that make numbers of codes */
#ifndef ADZE_PLUGIN_CODEBOOK_H
#define ADZE_PLUGIN_CODEBOOK_H

#include <string.h>

#include <adze/sdk.h>

enum { CODEBOOK_CODES, CODEBOOK_BOOK }; /* planes */
enum { CODEBOOK_BITS_MOST = 8, CODEBOOK_MOST = 256 };

/* What the parameters ask for. */
typedef struct codebook_way {
  uint32_t bits;     /* of a code; 0: as few as are needed */
  bool channels;     /* each channel has a book of its own */
  uint32_t most;     /* values that a book may have */
  uint32_t room;     /* values that are told apart while they are counted */
} codebook_way;

codebook_way codebook_way_of (const adze_host *host, const adze_params *params);
/* As few as COUNT values need, and one at least. */
uint32_t codebook_bits_for (uint64_t count);
/* Of the codes of a tensor that lies so: a file has no more than its planes. */
uint32_t codebook_bits_of (const codebook_way *way, const adze_coded *coded);
/* Values of a book there. */
static inline uint32_t
codebook_width (const adze_coded *coded)
{
  const adze_plane *book = &coded->planes[CODEBOOK_BOOK];
  return (uint32_t)book->shape[book->rank - 1];
}

/* ---- Which values there are: an accumulator is a head and one of these for each book, one behind the other.
 * Values are bits of float32, by which the two zeros are two, so that what comes back is the same to the bit. */

typedef struct codebook_head {
  uint64_t books; /* 0: nothing was seen */
} codebook_head;

typedef struct codebook_seen {
  uint32_t count; /* ROOM + 1: more than are told apart */
  uint32_t values[]; /* from the least to the greatest */
} codebook_seen;

static inline size_t
codebook_seen_size (const codebook_way *way)
{
  return sizeof (codebook_seen) + way->room * sizeof (uint32_t);
}

static inline codebook_seen *
codebook_seen_at (const codebook_way *way, const void *accumulator, uint64_t book)
{
  char *first = (char *)(uintptr_t)accumulator + sizeof (codebook_head);
  return (codebook_seen *)(void *)(first + book * codebook_seen_size (way));
}

void codebook_see (const codebook_way *way, codebook_seen *seen, const float *values, uint64_t count);
void codebook_see_both (const codebook_way *way, codebook_seen *into, const codebook_seen *from);
/* The book, WIDTH values of which COUNT are its own: zero, where it is one of them, and then the others from the
 * least to the greatest. Zero has the code 0, so that what was zero is zero in the codes as well. */
void codebook_book (const codebook_seen *seen, uint32_t width, float *book);

/* ---- Codes: a stream of BITS each, the first one in the lowest bits. */

/* Finds a value's place in its book. */
typedef struct codebook_places {
  uint32_t shift;
  uint32_t mask;
  uint32_t values[4 * CODEBOOK_MOST];
  uint16_t codes[4 * CODEBOOK_MOST]; /* and 1; 0: a free place */
} codebook_places;

void codebook_index (codebook_places *places, const float *book, uint32_t count);
/* False: a value is in no book. CODES: one byte each. */
bool codebook_find (const codebook_places *places, const float *values, uint64_t count, uint8_t *codes);
void codebook_pack (uint32_t bits, const uint8_t *codes, uint64_t count, uint8_t *bytes);
void codebook_unpack (uint32_t bits, const uint8_t *bytes, uint64_t count, uint8_t *codes);

adze_status codebook_graph (const adze_host *host, const codebook_way *way, const adze_tensor_meta *meta,
                            const adze_coded *coded, adze_graph *graph, const uint32_t *planes,
                            uint32_t *value);

#endif
