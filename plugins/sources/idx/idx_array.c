/* SPDX-License-Identifier: Apache-2.0 */
/* idx: one file. Two zeros, a type, a rank, the dimensions (32 bits each, highest byte first), and
 * then the elements, likewise. */
#include "idx.h"

#include <inttypes.h>
#include <stdlib.h>

#include <zlib.h>

/* One byte of what deflate makes stands for at most 1032 others. */
#define DEFLATE_RATIO 1032

static adze_status
bad (const adze_host *host, const idx_array *array, const char *what)
{
  return adze_fail (host, ADZE_E_FORMAT, "%s %s", array->path, what);
}

/* ---- The header. */

static adze_status
read_type (const adze_host *host, idx_array *array, const unsigned char head[4])
{
  static const struct {
    unsigned char number;
    adze_dtype dtype;
  } types[] = { { 0x08, { ADZE_UINT, 8, 1 } },   { 0x09, { ADZE_INT, 8, 1 } },
                { 0x0b, { ADZE_INT, 16, 1 } },   { 0x0c, { ADZE_INT, 32, 1 } },
                { 0x0d, { ADZE_FLOAT, 32, 1 } }, { 0x0e, { ADZE_FLOAT, 64, 1 } } };
  if (head[0] != 0 || head[1] != 0)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s is no IDX file: it begins with 0x%02x%02x%02x%02x, needed is 0x0000",
                      array->path, head[0], head[1], head[2], head[3]);
  if (head[3] == 0 || head[3] > IDX_RANK_MAX)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s has %d dimensions; needed are 1 (which counts the examples) to %d",
                      array->path, head[3], IDX_RANK_MAX);
  array->rank = head[3];
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (types[i].number == head[2]) {
      array->dtype = types[i].dtype;
      return ADZE_OK;
    }
  return adze_fail (host, ADZE_E_FORMAT,
                    "%s has the element type 0x%02x; known are 0x08 (u8), 0x09 (i8), 0x0b (i16), "
                    "0x0c (i32), 0x0d (f32) and 0x0e (f64)",
                    array->path, head[2]);
}

/* Dimensions, and what follows from them. A dimension of 0 is refused: an example without elements
 * is none. */
static adze_status
read_shape (const adze_host *host, idx_array *array, const unsigned char *bytes)
{
  uint64_t size = array->dtype.bits / 8;
  for (int32_t i = 0; i < array->rank; i++, bytes += 4) {
    array->shape[i] = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16
                      | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3];
    if (array->shape[i] == 0)
      return adze_fail (host, ADZE_E_FORMAT, "%s: dimension %" PRId32 " is 0", array->path, i);
    if (i > 0 && __builtin_mul_overflow (size, array->shape[i], &size))
      return bad (host, array, "has dimensions whose product nothing can hold");
  }
  if (size > SIZE_MAX / 2 || __builtin_mul_overflow (size, array->shape[0], &array->data_size)
      || array->data_size > INT64_MAX)
    return bad (host, array, "has dimensions whose product nothing can hold");
  array->example_size = (size_t)size;
  return ADZE_OK;
}

/* ---- Plain files. */

static adze_status
open_plain (const adze_host *host, idx_array *array)
{
  unsigned char bytes[4 * IDX_RANK_MAX];
  uint64_t size = adze_file_size (host, array->file);
  adze_status status = adze_file_read_at (host, array->file, 0, bytes, 4);
  if (status == ADZE_OK)
    status = read_type (host, array, bytes);
  if (status == ADZE_OK)
    status = adze_file_read_at (host, array->file, 4, bytes, 4 * (size_t)array->rank);
  if (status == ADZE_OK)
    status = read_shape (host, array, bytes);
  if (status != ADZE_OK)
    return status;
  array->data_offset = 4 + 4 * (uint64_t)array->rank;
  if (size - array->data_offset != array->data_size)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s has %" PRIu64 " bytes behind its header, and its dimensions need %" PRIu64,
                      array->path, size - array->data_offset, array->data_size);
  return ADZE_OK;
}

/* ---- Packed files. */

typedef struct unpacker {
  const adze_host *host;
  idx_array *array;
  adze_window *window;
  z_stream stream;
  bool ended;
} unpacker;

static adze_status
fill (unpacker *u)
{
  adze_window *window = u->window;
  if (u->stream.avail_in > 0)
    return ADZE_OK;
  if (adze_window_fill (u->host, window)) {
    u->stream.next_in = window->buffer;
    u->stream.avail_in = (uInt)window->end;
    window->next = window->end;
  }
  return window->status;
}

/* Behind the end of what was packed, where another file that was packed may stand: together they are one. */
static adze_status
end_member (unpacker *u)
{
  adze_status status = fill (u);
  u->ended = u->stream.avail_in == 0 || u->stream.next_in[0] != 0x1f;
  if (status == ADZE_OK && !u->ended)
    inflateReset (&u->stream);
  return status;
}

/* The next bytes that were packed, at most SIZE; *GOT is less only where they end. */
static adze_status
unpack (unpacker *u, unsigned char *into, size_t size, size_t *got)
{
  *got = 0;
  while (*got < size && !u->ended) {
    adze_status status = fill (u);
    if (status != ADZE_OK)
      return status;
    size_t left = size - *got;
    uInt room = left < UINT32_MAX / 2 ? (uInt)left : UINT32_MAX / 2;
    u->stream.next_out = into + *got;
    u->stream.avail_out = room;
    int result = inflate (&u->stream, Z_NO_FLUSH);
    *got += room - u->stream.avail_out;
    if (result == Z_MEM_ERROR)
      return adze_fail (u->host, ADZE_E_MEMORY, "no room to unpack %s", u->array->path);
    if (result == Z_BUF_ERROR && u->stream.avail_in == 0)
      return bad (u->host, u->array, "ends in the middle of its packed data");
    if (result != Z_OK && result != Z_STREAM_END)
      return adze_fail (u->host, ADZE_E_FORMAT, "%s cannot be unpacked: %s", u->array->path,
                        u->stream.msg ? u->stream.msg : "no gzip data");
    if (result == Z_STREAM_END && (status = end_member (u)) != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

static adze_status
unpack_all (unpacker *u, unsigned char *into, size_t size)
{
  size_t got;
  adze_status status = unpack (u, into, size, &got);
  if (status != ADZE_OK || got == size)
    return status;
  return bad (u->host, u->array, "has less packed data than its dimensions need");
}

/* What was packed must end where the dimensions say: with its checksum, and nothing behind it. */
static adze_status
check_end (unpacker *u)
{
  unsigned char more;
  size_t got = 0;
  adze_status status = unpack (u, &more, 1, &got);
  if (status != ADZE_OK)
    return status;
  if (got > 0)
    return bad (u->host, u->array, "has more packed data than its dimensions need");
  if (u->stream.avail_in > 0 || adze_window_at (u->window) < u->window->last)
    return bad (u->host, u->array, "goes on behind the end of its packed data");
  return ADZE_OK;
}

/* So many bytes are unpacked at once. */
#define AT_ONCE (64u << 10)

static adze_status
unpack_examples (unpacker *u)
{
  const idx_array *array = u->array;
  size_t size = array->example_size, count = array->shape[0];
  size_t most = size < AT_ONCE ? AT_ONCE / size : 1;
  adze_status status = ADZE_OK;
  unsigned char *some = (unsigned char *)malloc ((most < count ? most : count) * size);
  if (!some)
    return adze_fail (u->host, ADZE_E_MEMORY, "no room to unpack %s", array->path);
  for (size_t first = 0; status == ADZE_OK && first < count; first += most) {
    size_t now = count - first < most ? count - first : most;
    status = unpack_all (u, some, now * size);
    if (status == ADZE_OK)
      idx_store_put (&u->array->store, first, some, now);
  }
  free (some);
  return status;
}

static adze_status
unpack_array (unpacker *u)
{
  idx_array *array = u->array;
  unsigned char bytes[4 * IDX_RANK_MAX];
  adze_status status = unpack_all (u, bytes, 4);
  if (status == ADZE_OK)
    status = read_type (u->host, array, bytes);
  if (status == ADZE_OK)
    status = unpack_all (u, bytes, 4 * (size_t)array->rank);
  if (status == ADZE_OK)
    status = read_shape (u->host, array, bytes);
  if (status != ADZE_OK)
    return status;
  /* Before room is made for a size that a file only claims: could it be in there at all? */
  if (array->data_size / DEFLATE_RATIO > u->window->last || array->data_size > SIZE_MAX / 2)
    return adze_fail (u->host, ADZE_E_FORMAT,
                      "%s has dimensions for %" PRIu64 " bytes, which cannot have been packed "
                      "into %" PRIu64,
                      array->path, array->data_size, u->window->last);
  size_t row = array->rank < 2 ? 0 : array->shape[array->rank - 1] * (size_t)array->dtype.bits / 8;
  if (!idx_store_make (&array->store, array->shape[0], array->example_size, row))
    return adze_fail (u->host, ADZE_E_MEMORY, "no room for the %" PRIu64 " bytes of %s",
                      array->data_size, array->path);
  status = unpack_examples (u);
  if (status == ADZE_OK)
    status = check_end (u);
  if (status == ADZE_OK)
    idx_store_settle (&array->store);
  return status;
}

static adze_status
open_packed (const adze_host *host, idx_array *array)
{
  adze_window *window = (adze_window *)host->allocate (host, sizeof *window);
  if (!window)
    return adze_fail (host, ADZE_E_MEMORY, "no room to unpack %s", array->path);
  unpacker u = { .host = host, .array = array, .window = window };
  adze_window_open (window, array->file, 0, adze_file_size (host, array->file));
  adze_status status;
  if (inflateInit2 (&u.stream, 15 + 16) != Z_OK)
    status = adze_fail (host, ADZE_E_MEMORY, "no room to unpack %s", array->path);
  else {
    status = unpack_array (&u);
    inflateEnd (&u.stream);
  }
  host->release (host, window);
  return status;
}

/* ---- Either. */

adze_status
idx_array_open (const adze_host *host, const char *path, idx_array *array)
{
  unsigned char head[2];
  array->path = path;
  adze_status status = adze_files_of (host)->open (host, path, &array->file);
  if (status == ADZE_OK)
    status = adze_file_read_at (host, array->file, 0, head, sizeof head);
  if (status != ADZE_OK)
    return status;
  return head[0] == 0x1f && head[1] == 0x8b ? open_packed (host, array)
                                            : open_plain (host, array);
}

void
idx_array_release (idx_array *array)
{
  idx_store_release (&array->store);
}
