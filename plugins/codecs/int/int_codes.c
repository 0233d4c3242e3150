/* SPDX-License-Identifier: Apache-2.0 */
/* int_codes.c: rows to codes and back. A row is a channel, or channels lie across the rows and all of them come
 * at once; codes of 8 bits lie as signed ones, 128 lower. */
#include "int.h"

/* What is needed for a while. */
typedef struct room {
  uint8_t *codes; /* of a row */
  float *channel; /* that lies across the rows */
  int_bin *bins;  /* that a range is looked for with */
} room;

static void
close_room (const adze_host *host, room *r)
{
  host->release (host, r->codes);
  host->release (host, r->channel);
  host->release (host, r->bins);
}

static adze_status
open_room (const adze_host *host, const int_way *way, const adze_coding *coding, bool encodes, room *r)
{
  bool across = way->axis > 0, looks = encodes && !way->whole && way->rule != INT_MIN_MAX;
  uint64_t span = coding->columns;
  *r = (room){ .codes = (uint8_t *)host->allocate (host, coding->columns + 1) };
  if (across) {
    int_across lanes = int_across_of (way, coding->meta);
    span = lanes.outer * lanes.inner;
    r->channel = (float *)host->allocate (host, (span + 1) * sizeof *r->channel);
  }
  if (looks)
    r->bins = (int_bin *)host->allocate (host, (span + 1) * sizeof *r->bins);
  if (r->codes && (r->channel || !across) && (r->bins || !looks))
    return ADZE_OK;
  close_room (host, r);
  return adze_fail (host, ADZE_E_MEMORY, "no room for the codes of a row of '%s'", coding->meta->name);
}

/* ---- Planes. */

static void
put_cell (const int_way *way, const adze_coding *coding, uint64_t number, int_cell cell)
{
  ((float *)coding->planes[INT_SCALE])[number] = cell.scale;
  if (!way->symmetric)
    ((uint8_t *)coding->planes[INT_ZERO])[number]
        = (uint8_t)(way->bits == 8 ? cell.zero ^ 0x80 : cell.zero);
}

static int_cell
get_cell (const int_way *way, const adze_coding *coding, uint64_t number)
{
  uint32_t zero = UINT32_C (1) << (way->bits - 1);
  if (!way->symmetric)
    zero = ((const uint8_t *)coding->planes[INT_ZERO])[number] ^ (way->bits == 8 ? 0x80u : 0);
  return (int_cell){ ((const float *)coding->planes[INT_SCALE])[number], zero };
}

static void
put_row (const int_way *way, const adze_coding *coding, uint64_t row, const uint8_t *codes)
{
  uint8_t *out = (uint8_t *)coding->planes[INT_CODES]
                 + row * adze_plane_row_bytes (coding->coded, INT_CODES, coding->meta);
  if (way->bits < 8) {
    adze_codes_pack (way->bits, codes, coding->columns, out);
    return;
  }
  int_flip (codes, coding->columns, out);
}

static void
get_row (const int_way *way, const adze_coding *coding, uint64_t row, uint8_t *codes)
{
  const uint8_t *in = (const uint8_t *)coding->planes[INT_CODES]
                      + row * adze_plane_row_bytes (coding->coded, INT_CODES, coding->meta);
  if (way->bits < 8) {
    adze_codes_unpack (way->bits, in, coding->columns, codes);
    return;
  }
  int_flip (in, coding->columns, codes);
}

/* ---- Rows by themselves, or of a tensor that has one scale. */

static void
encode_row (const int_way *way, const adze_coding *coding, uint64_t row, const int_cell *of_all,
            const room *r)
{
  uint64_t span = way->group ? way->group : coding->columns, cells = coding->columns / span;
  const float *values = coding->values + row * coding->columns;
  for (uint64_t i = 0; i < cells; i++) {
    const float *numbers = values + i * span;
    int_cell cell = of_all ? *of_all
                           : int_cell_for (way, int_range_of_values (way, numbers, span, r->bins));
    int_encode (way, cell, numbers, span, r->codes + i * span);
    if (!of_all)
      put_cell (way, coding, row * cells + i, cell);
  }
  put_row (way, coding, row, r->codes);
}

static void
decode_row (const int_way *way, const adze_coding *coding, uint64_t row, const room *r)
{
  uint64_t span = way->group ? way->group : coding->columns, cells = coding->columns / span;
  get_row (way, coding, row, r->codes);
  for (uint64_t i = 0; i < cells; i++)
    int_decode (get_cell (way, coding, way->whole ? 0 : row * cells + i), r->codes + i * span, span,
                coding->values + row * coding->columns + i * span);
}

/* ---- Channels across the rows. */

static int_range
range_across (const int_way *way, const adze_coding *coding, int_across lanes, uint64_t channel,
              const room *r)
{
  const float *values = coding->values + channel * lanes.inner;
  for (uint64_t i = 0; i < lanes.outer; i++)
    for (uint64_t k = 0; k < lanes.inner; k++)
      r->channel[i * lanes.inner + k] = values[i * lanes.channels * lanes.inner + k];
  return int_range_of_values (way, r->channel, lanes.outer * lanes.inner, r->bins);
}

/* Elements of a row that lie side by side and are of one channel: INNER of them. */
static void
encode_across (const int_way *way, const adze_coding *coding, const room *r)
{
  int_across lanes = int_across_of (way, coding->meta);
  for (uint64_t i = 0; i < lanes.channels; i++)
    put_cell (way, coding, i, int_cell_for (way, range_across (way, coding, lanes, i, r)));
  for (uint64_t row = 0; row < coding->row_count; row++) {
    const float *values = coding->values + row * coding->columns;
    for (uint64_t at = 0, run = 0; at < coding->columns; at += lanes.inner, run++)
      int_encode (way, get_cell (way, coding, run % lanes.channels), values + at, lanes.inner,
                  r->codes + at);
    put_row (way, coding, row, r->codes);
  }
}

static void
decode_across (const int_way *way, const adze_coding *coding, uint64_t row, const room *r)
{
  int_across lanes = int_across_of (way, coding->meta);
  float *values = coding->values + row * coding->columns;
  get_row (way, coding, row, r->codes);
  for (uint64_t at = 0, run = 0; at < coding->columns; at += lanes.inner, run++)
    int_decode (get_cell (way, coding, run % lanes.channels), r->codes + at, lanes.inner, values + at);
}

/* ---- All that came. */

adze_status
int_found_range (const adze_host *host, const int_way *way, const adze_tensor_meta *meta,
                 const void *found, int_range *range)
{
  if (way->rule == INT_MIN_MAX) {
    *range = *(const int_range *)found;
    return ADZE_OK;
  }
  const int_seen *seen = (const int_seen *)found;
  if (seen->decided) {
    *range = seen->range;
    return ADZE_OK;
  }
  int_bin *bins = (int_bin *)host->allocate (host, INT_SEEN_ROOM * sizeof *bins);
  if (!bins)
    return adze_fail (host, ADZE_E_MEMORY, "no room to look for the range of '%s'", meta->name);
  *range = int_range_of_seen (way, seen, bins);
  host->release (host, bins);
  return ADZE_OK;
}

adze_status
int_encode_rows (const adze_host *host, const int_way *way, const adze_coding *coding)
{
  room r;
  int_range range;
  int_cell of_all;
  adze_status status = ADZE_OK;
  if (way->whole) {
    status = int_found_range (host, way, coding->meta, coding->found, &range);
    of_all = status == ADZE_OK ? int_cell_for (way, range) : (int_cell){ 1, 0 };
  }
  if (status == ADZE_OK)
    status = open_room (host, way, coding, true, &r);
  if (status != ADZE_OK)
    return status;
  if (way->axis > 0)
    encode_across (way, coding, &r);
  for (uint64_t row = 0; way->axis == 0 && row < coding->row_count; row++)
    encode_row (way, coding, row, way->whole ? &of_all : NULL, &r);
  if (way->whole && coding->first_row == 0)
    put_cell (way, coding, 0, of_all);
  close_room (host, &r);
  return ADZE_OK;
}

adze_status
int_decode_rows (const adze_host *host, const int_way *way, const adze_coding *coding)
{
  room r;
  adze_status status = open_room (host, way, coding, false, &r);
  if (status != ADZE_OK)
    return status;
  for (uint64_t row = 0; row < coding->row_count; row++)
    if (way->axis > 0)
      decode_across (way, coding, row, &r);
    else
      decode_row (way, coding, row, &r);
  close_room (host, &r);
  return ADZE_OK;
}
