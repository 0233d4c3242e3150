/* SPDX-License-Identifier: Apache-2.0 */
/* int.h: what the files of this plugin share.
 *   int.c        parameters, callbacks, components
 *   int_codes.c  rows and tensors to codes and back
 *   int_cell.c   what the codes of a cell mean
 *   int_lanes.c  the loops over all numbers
 *   int_range.c  from where to where the codes of a cell go
 *   int_seen.c   how many numbers of which size there are in a tensor, in little room
 *   int_graph.c  the nodes that make numbers of codes */
#ifndef ADZE_PLUGIN_INT_H
#define ADZE_PLUGIN_INT_H

#include <string.h>

#include <adze/sdk.h>

typedef enum int_rule {
  INT_MIN_MAX,
  INT_PERCENTILE,
  INT_MSE,
  INT_ENTROPY
} int_rule;

/* What the parameters ask for. */
typedef struct int_way {
  uint32_t bits;
  bool symmetric;
  bool whole;     /* one scale for the tensor */
  uint64_t group; /* numbers of a scale within a row; 0: the whole row */
  int32_t axis;   /* the dimension that counts channels, where a row is none; 0: a row is one */
  int_rule rule;
  double percentile;
} int_way;

/* A cell is what shares a scale. Codes are 0 to 2^bits - 1; the number is (code - zero) * scale. */
typedef struct int_cell {
  float scale;
  uint32_t zero;
} int_cell;

/* From where to where codes go: 0 is between them, as in zeros. What is beyond becomes the nearest code. */
typedef struct int_range {
  float low, high;
} int_range;

/* Planes. */
enum { INT_CODES, INT_SCALE, INT_ZERO };

/* ---- int_cell.c, int_lanes.c */

int_cell int_cell_for (const int_way *way, int_range range);
int_range int_extremes (const float *values, uint64_t count);
/* CODES: one byte each. */
void int_encode (const int_way *way, int_cell cell, const float *values, uint64_t count, uint8_t *codes);
/* Codes of 8 bits as signed ones, and back. */
void int_flip (const uint8_t *codes, uint64_t count, uint8_t *__restrict out);
void int_decode (int_cell cell, const uint8_t *codes, uint64_t count, float *values);
/* The sum of the squares of what COUNT numbers are moved by. */
double int_squares (const int_way *way, int_cell cell, const float *values, uint64_t count);
/* Codes above zero; below it. */
static inline uint32_t
int_steps (const int_way *way, int_cell cell, bool below)
{
  uint32_t top = (UINT32_C (1) << way->bits) - 1;
  return below ? cell.zero - (way->symmetric ? 1 : 0) : top - cell.zero;
}

/* ---- int_seen.c: numbers by their sizes. An accumulator: zeros are the empty one. */

/* Each octave in so many buckets, and so many octaves down from the greatest. What is further down is less
 * than a 16 millionth of that, and counts as nearly nothing. */
enum { INT_BUCKET_BITS = 8, INT_OCTAVES = 24, INT_BUCKETS = INT_OCTAVES << INT_BUCKET_BITS };

/* Bucket KEY, by the highest bits of floats, lies at KEY % INT_BUCKETS, for the INT_BUCKETS keys up to TOP. So
 * what is here depends on the numbers alone, in whichever order and parts they came. */
typedef struct int_side {
  float greatest;
  uint32_t top;
  uint64_t count; /* of all, UNDER among them; there are no zeros here */
  uint64_t under;
  uint64_t buckets[INT_BUCKETS];
} int_side;

/* Those above zero and those below it; where codes are symmetric, all of them by their magnitude. */
typedef struct int_seen {
  uint64_t zeros;
  int_range range; /* once it is decided */
  uint64_t decided;
  int_side sides[];
} int_seen;

static inline uint32_t
int_side_count (const int_way *way)
{
  return way->symmetric ? 1 : 2;
}

static inline size_t
int_seen_size (const int_way *way)
{
  return sizeof (int_seen) + int_side_count (way) * sizeof (int_side);
}

void int_see (const int_way *way, const float *values, uint64_t count, int_seen *seen);
void int_see_both (const int_way *way, int_seen *into, const int_seen *from);
int_range int_seen_extremes (const int_way *way, const int_seen *seen);

/* Numbers of a side from LOW to HIGH, their magnitudes; where these are equal, of just this one. */
typedef struct int_bin {
  float low, high;
  uint64_t count;
} int_bin;

/* Those that are not empty, the least numbers first, into BINS, which has room for INT_BUCKETS + 1. */
uint64_t int_bins_of (const int_side *side, int_bin *bins);
uint32_t int_bucket_of (float magnitude);
/* All in it are below its end. */
float int_bucket_end (uint32_t key);

/* ---- int_range.c */

/* Of a cell whose numbers are all at hand; ROOM for COUNT bins. */
int_range int_range_of_values (const int_way *way, const float *values, uint64_t count, int_bin *room);
/* Of a tensor; ROOM for 2 * (INT_BUCKETS + 1) bins. */
int_range int_range_of_seen (const int_way *way, const int_seen *seen, int_bin *room);
enum { INT_SEEN_ROOM = 2 * (INT_BUCKETS + 1) };

/* ---- int_codes.c */

adze_status int_encode_rows (const adze_host *host, const int_way *way, const adze_coding *coding);
adze_status int_decode_rows (const adze_host *host, const int_way *way, const adze_coding *coding);
/* Of a tensor that has one scale, by what was found of it. */
adze_status int_found_range (const adze_host *host, const int_way *way, const adze_tensor_meta *meta,
                             const void *found, int_range *range);

/* Channels along an axis: elements are [outer][channels][inner]. */
typedef struct int_across {
  uint64_t outer, channels, inner;
} int_across;

static inline int_across
int_across_of (const int_way *way, const adze_tensor_meta *meta)
{
  int_across lanes = { 1, 1, 1 };
  for (int32_t i = 0; i < meta->rank; i++)
    *(i < way->axis ? &lanes.outer : i == way->axis ? &lanes.channels : &lanes.inner)
        *= (uint64_t)meta->shape[i];
  return lanes;
}

/* ---- int_graph.c */

adze_status int_graph (const adze_host *host, const int_way *way, const adze_tensor_meta *meta,
                       const adze_coded *coded, adze_graph *graph, const uint32_t *planes,
                       uint32_t *value);

#endif
