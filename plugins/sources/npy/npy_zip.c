/* SPDX-License-Identifier: Apache-2.0 */
/* npy: the archive that an .npz file is, from its table of contents, which stands at the end. What a
 * member's own header repeats must agree with it. */
#include "npy.h"

#include <inttypes.h>
#include <stdlib.h>

#include <zlib.h>

enum { STORED = 0, DEFLATED = 8 };

#define END_SIZE 22    /* of the last record, which a comment may follow */
#define ENTRY_SIZE 46  /* of a member in the table of contents, without its name */
#define HEADER_SIZE 30 /* of a member's own header, without its name */

/* One byte of what deflate makes stands for at most 1032 others. */
#define DEFLATE_RATIO 1032

static uint32_t
u16 (const unsigned char *at)
{
  return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t
u32 (const unsigned char *at)
{
  return u16 (at) | u16 (at + 2) << 16;
}

static adze_status
bad (const adze_host *host, const npy_zip *zip, const char *what)
{
  return adze_fail (host, ADZE_E_FORMAT, "%s is a damaged archive: %s", zip->path, what);
}

/* ---- The table of contents. */

/* The last record; a comment of up to 64 KiB may stand behind it. */
static adze_status
find_end (const adze_host *host, const npy_zip *zip, unsigned char *tail, size_t size,
          const unsigned char **end)
{
  uint64_t whole = adze_file_size (host, zip->file);
  adze_status status = adze_file_read_at (host, zip->file, whole - size, tail, size);
  if (status != ADZE_OK)
    return status;
  for (size_t at = size - END_SIZE + 1; at-- > 0;)
    if (u32 (tail + at) == 0x06054b50 && at + END_SIZE + u16 (tail + at + 20) == size) {
      *end = tail + at;
      return ADZE_OK;
    }
  return bad (host, zip, "it has no table of contents at its end");
}

static adze_status
check_end (const adze_host *host, const npy_zip *zip, const unsigned char *end, uint64_t end_at)
{
  if (u16 (end + 10) == 0xffff || u32 (end + 12) == UINT32_MAX || u32 (end + 16) == UINT32_MAX)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "%s is an archive in the form zip64, for more than 4 GiB or 65534 members, "
                      "which is not read here; save its arrays as .npy files",
                      zip->path);
  if (u16 (end + 4) != 0 || u16 (end + 6) != 0 || u16 (end + 8) != u16 (end + 10))
    return adze_fail (host, ADZE_E_UNSUPPORTED, "%s is one of several parts of an archive",
                      zip->path);
  if ((uint64_t)u32 (end + 16) + u32 (end + 12) != end_at
      || (uint64_t)u16 (end + 10) * ENTRY_SIZE > u32 (end + 12))
    return bad (host, zip, "its table of contents is not where its last record says");
  return ADZE_OK;
}

static adze_status
check_member (const adze_host *host, const npy_zip *zip, const npy_member *member, uint32_t flags)
{
  int shown = member->name_size < 60 ? member->name_size : 60;
  if (flags & 0x41) /* bit 0, and 6 for the stronger kind */
    return adze_fail (host, ADZE_E_UNSUPPORTED, "%s: the member '%.*s' is encrypted", zip->path,
                      shown, member->name);
  if (member->packed == UINT32_MAX || member->size == UINT32_MAX || member->at == UINT32_MAX)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "%s: the member '%.*s' is in the form zip64, which is not read here; save it "
                      "as an .npy file",
                      zip->path, shown, member->name);
  if (memchr (member->name, '\0', member->name_size) || member->name_size == 0)
    return bad (host, zip, "a member has no name, or a NUL in it");
  if ((uint64_t)member->at + HEADER_SIZE + member->name_size + member->packed > zip->directory_at)
    return adze_fail (host, ADZE_E_FORMAT, "%s: the member '%.*s' does not lie in the archive",
                      zip->path, shown, member->name);
  return ADZE_OK;
}

static adze_status
read_members (const adze_host *host, npy_zip *zip, size_t size, size_t count)
{
  const unsigned char *at = zip->directory, *last = zip->directory + size;
  for (; zip->count < count; zip->count++) {
    npy_member *member = &zip->members[zip->count];
    if (last - at < ENTRY_SIZE || u32 (at) != 0x02014b50)
      return bad (host, zip, "its table of contents ends too early");
    size_t whole = ENTRY_SIZE + u16 (at + 28) + u16 (at + 30) + u16 (at + 32);
    if ((size_t)(last - at) < whole)
      return bad (host, zip, "its table of contents ends too early");
    *member = (npy_member){ .name = (const char *)at + ENTRY_SIZE,
                            .name_size = (uint16_t)u16 (at + 28),
                            .method = (uint16_t)u16 (at + 10),
                            .crc = u32 (at + 16),
                            .packed = u32 (at + 20),
                            .size = u32 (at + 24),
                            .at = u32 (at + 42) };
    adze_status status = check_member (host, zip, member, u16 (at + 8));
    if (status != ADZE_OK)
      return status;
    at += whole;
  }
  return at == last ? ADZE_OK : bad (host, zip, "its table of contents goes on behind its end");
}

static int
compare_places (const void *a, const void *b)
{
  const npy_member *left = *(const npy_member *const *)a, *right = *(const npy_member *const *)b;
  return left->at < right->at ? -1 : left->at > right->at;
}

/* Members that share bytes would unpack to more than the file could hold. */
static adze_status
check_overlap (const adze_host *host, const npy_zip *zip)
{
  const npy_member **sorted = malloc ((zip->count + 1) * sizeof (npy_member *));
  if (!sorted)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu members of %s", zip->count, zip->path);
  for (size_t i = 0; i < zip->count; i++)
    sorted[i] = &zip->members[i];
  qsort (sorted, zip->count, sizeof (npy_member *), compare_places);
  adze_status status = ADZE_OK;
  for (size_t i = 1; status == ADZE_OK && i < zip->count; i++)
    if ((uint64_t)sorted[i - 1]->at + HEADER_SIZE + sorted[i - 1]->name_size
            + sorted[i - 1]->packed
        > sorted[i]->at)
      status = bad (host, zip, "two members lie over each other");
  free (sorted);
  return status;
}

static adze_status
read_directory (const adze_host *host, npy_zip *zip, const unsigned char *end)
{
  size_t size = u32 (end + 12), count = u16 (end + 10);
  zip->directory_at = u32 (end + 16);
  zip->directory = malloc (size + 1);
  zip->members = malloc ((count + 1) * sizeof *zip->members);
  if (!zip->directory || !zip->members)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the table of contents of %s", zip->path);
  adze_status status
      = size > 0 ? adze_file_read_at (host, zip->file, zip->directory_at, zip->directory, size)
                 : ADZE_OK;
  if (status == ADZE_OK)
    status = read_members (host, zip, size, count);
  return status == ADZE_OK ? check_overlap (host, zip) : status;
}

adze_status
npy_zip_open (const adze_host *host, adze_file *file, const char *path, npy_zip *zip)
{
  *zip = (npy_zip){ .file = file, .path = path };
  uint64_t whole = adze_file_size (host, file);
  size_t size = whole < END_SIZE + 65535 ? (size_t)whole : END_SIZE + 65535;
  if (whole < END_SIZE)
    return bad (host, zip, "it is too short");
  unsigned char *tail = malloc (size);
  if (!tail)
    return adze_fail (host, ADZE_E_MEMORY, "no room to look into %s", path);
  const unsigned char *end = NULL;
  adze_status status = find_end (host, zip, tail, size, &end);
  if (status == ADZE_OK)
    status = check_end (host, zip, end, whole - size + (uint64_t)(end - tail));
  if (status == ADZE_OK)
    status = read_directory (host, zip, end);
  free (tail);
  return status;
}

void
npy_zip_release (npy_zip *zip)
{
  free (zip->directory);
  free (zip->members);
}

/* ---- One member. */

typedef struct passage {
  const adze_host *host;
  const npy_zip *zip;
  const npy_member *member;
  adze_window *window; /* its bytes in the file */
} passage;

static adze_status
bad_member (const passage *p, const char *what)
{
  return adze_fail (p->host, ADZE_E_FORMAT, "%s: the member '%.*s' %s", p->zip->path,
                    p->member->name_size < 60 ? p->member->name_size : 60, p->member->name, what);
}

/* Where its data begins: behind a header whose length only the header itself says. */
static adze_status
find_data (const passage *p, uint64_t *data)
{
  unsigned char head[HEADER_SIZE];
  const npy_member *member = p->member;
  adze_status status
      = adze_file_read_at (p->host, p->zip->file, member->at, head, sizeof head);
  if (status != ADZE_OK)
    return status;
  *data = (uint64_t)member->at + HEADER_SIZE + u16 (head + 26) + u16 (head + 28);
  if (u32 (head) != 0x04034b50 || u16 (head + 8) != member->method
      || u16 (head + 26) != member->name_size)
    return bad_member (p, "has a header that does not agree with the table of contents");
  if (*data + member->packed > p->zip->directory_at)
    return bad_member (p, "does not lie in the archive");
  return ADZE_OK;
}

static adze_status
check_stored (const passage *p)
{
  adze_window *window = p->window;
  uLong crc = crc32 (0, NULL, 0);
  while (adze_window_fill (p->host, window)) {
    crc = crc32 (crc, window->buffer, (uInt)window->end);
    window->next = window->end;
  }
  if (window->status != ADZE_OK)
    return window->status;
  return crc == p->member->crc ? ADZE_OK : bad_member (p, "does not have the checksum that it should");
}

/* Unpacks exactly as much as was announced. */
static adze_status
inflate_all (const passage *p, z_stream *stream)
{
  adze_window *window = p->window;
  int result = Z_OK;
  while (result == Z_OK) {
    if (stream->avail_in == 0 && adze_window_fill (p->host, window)) {
      stream->next_in = window->buffer;
      stream->avail_in = (uInt)window->end;
      window->next = window->end;
    }
    if (window->status != ADZE_OK)
      return window->status;
    result = inflate (stream, Z_NO_FLUSH);
  }
  if (result == Z_MEM_ERROR)
    return adze_fail (p->host, ADZE_E_MEMORY, "no room to unpack %s", p->zip->path);
  if (result == Z_STREAM_END && stream->avail_out == 0 && stream->avail_in == 0
      && adze_window_at (window) == window->last)
    return ADZE_OK;
  return bad_member (p, result == Z_DATA_ERROR ? "cannot be unpacked"
                                               : "is packed data of another length than announced");
}

static adze_status
unpack (const passage *p, npy_bytes *bytes)
{
  const npy_member *member = p->member;
  if (member->size / DEFLATE_RATIO > member->packed)
    return bad_member (p, "cannot be as long as the table of contents says");
  /* One byte more, so that there is an end that nothing may be written behind. */
  bytes->data = malloc ((size_t)member->size + 1);
  z_stream stream = { .next_out = bytes->data, .avail_out = member->size };
  if (!bytes->data || inflateInit2 (&stream, -15) != Z_OK)
    return adze_fail (p->host, ADZE_E_MEMORY, "no room to unpack %s", p->zip->path);
  adze_status status = inflate_all (p, &stream);
  inflateEnd (&stream);
  if (status == ADZE_OK
      && crc32 (crc32 (0, NULL, 0), bytes->data, member->size) != member->crc)
    return bad_member (p, "does not have the checksum that it should");
  return status;
}

adze_status
npy_zip_read (const adze_host *host, const npy_zip *zip, const npy_member *member,
              npy_bytes *bytes)
{
  passage p = { host, zip, member, NULL };
  *bytes = (npy_bytes){ .file = zip->file, .size = member->size };
  adze_status status = find_data (&p, &bytes->offset);
  if (status != ADZE_OK)
    return status;
  if (member->method != STORED && member->method != DEFLATED)
    return bad_member (&p, "is packed by something else than deflate");
  if (member->method == STORED && member->packed != member->size)
    return bad_member (&p, "is not packed, and has two lengths");
  p.window = (adze_window *)host->allocate (host, sizeof *p.window);
  if (!p.window)
    return adze_fail (host, ADZE_E_MEMORY, "no room to read %s", zip->path);
  adze_window_open (p.window, zip->file, bytes->offset, bytes->offset + member->packed);
  status = member->method == STORED ? check_stored (&p) : unpack (&p, bytes);
  host->release (host, p.window);
  return status;
}
