/* SPDX-License-Identifier: Apache-2.0 */
/* sparse_codes.c: numbers to values and their places, and back. All rows come at once: the values are one list. */
#include "sparse.h"

/* A whole number of bytes of bits. */
enum { BLOCK = 2048 };

typedef struct work {
  const adze_host *host;
  const adze_coding *coding;
  sparse_way way;
  uint64_t used;  /* values, so far */
  uint64_t count; /* of them, that there is room for */
} work;

static work
work_on (const adze_host *host, const adze_params *params, const adze_coding *coding)
{
  return (work){ .host = host,
                 .coding = coding,
                 .way = sparse_way_of (host, params, coding->meta),
                 .count = (uint64_t)coding->coded->planes[SPARSE_VALUES].shape[0] };
}

static char *
values_at (const work *w, uint64_t number)
{
  return (char *)w->coding->planes[SPARSE_VALUES] + number * (w->way.type.bits / 8);
}

static uint8_t *
bits_of_row (const work *w, uint64_t row)
{
  return (uint8_t *)w->coding->planes[SPARSE_PLACES] + row * adze_codes_bytes (1, w->coding->columns);
}

/* ---- encode. */

static adze_status
too_large (const work *w, float number)
{
  bool half = w->way.type.code == ADZE_FLOAT;
  return adze_fail (w->host, ADZE_E_LIMIT,
                    "tensor '%s': value %llu of those that are not zero is %.9g, which is too large for %s; say "
                    "values = \"f32\", or keep the tensor as it is by a rule with skip = true",
                    w->coding->meta->name, (unsigned long long)w->used, (double)number,
                    half ? "f16" : "bf16");
}

static adze_status
put_values (work *w, const float *values, uint64_t count)
{
  bool half = w->way.type.code == ADZE_FLOAT;
  if (count > w->count - w->used)
    return adze_fail (w->host, ADZE_E_CONTRACT, "'%s' has more values that are not zero than were counted",
                      w->coding->meta->name);
  if (w->way.type.bits == 32) {
    memcpy (values_at (w, w->used), values, (size_t)count * sizeof *values);
  } else {
    size_t beyond = adze_floats_beyond (values, (size_t)count, half ? ADZE_HALF_LIMIT : ADZE_BFLOAT_LIMIT);
    if (beyond < count) {
      w->used += beyond;
      return too_large (w, values[beyond]);
    }
    uint16_t *out = (uint16_t *)(void *)values_at (w, w->used);
    if (half)
      adze_half_from_floats (out, values, (size_t)count);
    else
      adze_bfloat_from_floats (out, values, (size_t)count);
  }
  w->used += count;
  return ADZE_OK;
}

/* Bits of COUNT numbers; those that are values go to KEPT, which has room for one more than there are. */
static uint64_t
split_bits (const float *numbers, uint64_t count, uint8_t *bits, float *kept)
{
  uint64_t used = 0;
  for (uint64_t i = 0; i < count; i += 8) {
    uint32_t byte = 0;
    for (uint32_t k = 0; k < 8 && i + k < count; k++) {
      uint32_t is_value = sparse_is_value (numbers[i + k]);
      kept[used] = numbers[i + k];
      used += is_value;
      byte |= is_value << k;
    }
    *bits++ = (uint8_t)byte;
  }
  return used;
}

static uint64_t
split_indices (const float *numbers, uint64_t count, uint64_t first, int64_t *indices, float *kept)
{
  uint64_t used = 0;
  for (uint64_t i = 0; i < count; i++)
    if (sparse_is_value (numbers[i])) {
      indices[used] = (int64_t)(first + i);
      kept[used++] = numbers[i];
    }
  return used;
}

static adze_status
encode_row (work *w, uint64_t row)
{
  const uint64_t columns = w->coding->columns;
  const float *numbers = w->coding->values + row * columns;
  float kept[BLOCK + 1];
  int64_t places[BLOCK];
  adze_status status = ADZE_OK;
  for (uint64_t at = 0; status == ADZE_OK && at < columns; at += BLOCK) {
    uint64_t count = columns - at < BLOCK ? columns - at : BLOCK, before = w->used, used;
    if (w->way.indices)
      used = split_indices (numbers + at, count, row * columns + at, places, kept);
    else
      used = split_bits (numbers + at, count, bits_of_row (w, row) + at / 8, kept);
    status = put_values (w, kept, used);
    if (status == ADZE_OK && w->way.indices)
      memcpy ((int64_t *)w->coding->planes[SPARSE_PLACES] + before, places, used * sizeof *places);
  }
  return status;
}

adze_status
sparse_encode (const adze_host *host, const void *own, const adze_params *params,
               const adze_coding *coding)
{
  work w = work_on (host, params, coding);
  const float zero = 0;
  adze_status status = ADZE_OK;
  (void)own;
  for (uint64_t row = 0; status == ADZE_OK && row < coding->row_count; row++)
    status = encode_row (&w, row);
  if (status != ADZE_OK || w.used > 0)
    return status;
  /* Nothing but zeros: the one of them that there must be is the first. */
  if (w.way.indices)
    *(int64_t *)coding->planes[SPARSE_PLACES] = 0;
  return put_values (&w, &zero, 1);
}

/* ---- decode. A file may have any bits and indices. */

static float
value_at (const work *w, uint64_t number)
{
  float value;
  adze_floats_read (w->way.type, values_at (w, number), 1, &value);
  return value;
}

static adze_status
decode_bits (work *w)
{
  const adze_coding *coding = w->coding;
  for (uint64_t row = 0; row < coding->row_count; row++) {
    const uint8_t *bits = bits_of_row (w, row);
    float *numbers = coding->values + row * coding->columns;
    for (uint64_t i = 0; i < coding->columns; i++) {
      bool is_value = bits[i / 8] >> i % 8 & 1;
      if (is_value && w->used == w->count)
        return adze_fail (w->host, ADZE_E_FORMAT,
                          "'%s' has %llu values, and its bits are of more: the file is damaged",
                          coding->meta->name, (unsigned long long)w->count);
      numbers[i] = is_value ? value_at (w, w->used++) : 0;
    }
  }
  return ADZE_OK;
}

static adze_status
decode_indices (work *w)
{
  const adze_coding *coding = w->coding;
  const int64_t *indices = (const int64_t *)coding->planes[SPARSE_PLACES];
  uint64_t all = coding->row_count * coding->columns;
  memset (coding->values, 0, (size_t)all * sizeof *coding->values);
  for (uint64_t i = 0; i < w->count; i++) {
    if (indices[i] < 0 || (uint64_t)indices[i] >= all)
      return adze_fail (w->host, ADZE_E_FORMAT,
                        "'%s' has a value at %lld, and %llu numbers: the file is damaged",
                        coding->meta->name, (long long)indices[i], (unsigned long long)all);
    coding->values[indices[i]] = value_at (w, i);
  }
  return ADZE_OK;
}

adze_status
sparse_decode (const adze_host *host, const void *own, const adze_params *params,
               const adze_coding *coding)
{
  work w = work_on (host, params, coding);
  (void)own;
  return w.way.indices ? decode_indices (&w) : decode_bits (&w);
}
