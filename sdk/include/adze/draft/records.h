/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/records.h: reading files of many small records, such as lines. Tier: draft.
 *
 * Tools for sources that go through a file once, note where each record begins, and come back for
 * some of them: a window on a file, bytes that grow, marks, a check of UTF-8. All inline: what is
 * compiled in here belongs to the plugin.
 */
#ifndef ADZE_DRAFT_RECORDS_H
#define ADZE_DRAFT_RECORDS_H

#include <string.h>

#include <adze/draft/file.h>

ADZE_BEGIN_DECLS

/* ---- A stretch of a file, byte by byte. */

#define ADZE_WINDOW_BYTES 65536

/* What adze_window_next says instead of a byte. */
enum { ADZE_WINDOW_END = -1, ADZE_WINDOW_FAILED = -2 };

typedef struct adze_window {
  adze_file *file;
  uint64_t ahead; /* where in the file the bytes behind the buffer are */
  uint64_t last;  /* where the stretch ends */
  size_t next;
  size_t end;
  adze_status status; /* why it has failed */
  unsigned char buffer[ADZE_WINDOW_BYTES];
} adze_window;

/* The bytes of FILE from FIRST to just before LAST. */
static inline void
adze_window_open (adze_window *window, adze_file *file, uint64_t first, uint64_t last)
{
  window->file = file;
  window->ahead = first;
  window->last = last;
  window->next = window->end = 0;
  window->status = ADZE_OK;
}

/* Where in the file the next byte is. */
static inline uint64_t
adze_window_at (const adze_window *window)
{
  return window->ahead - (window->end - window->next);
}

/* False at the end, and when reading failed. HOST is the table of the callback that is running. */
static inline bool
adze_window_fill (const adze_host *host, adze_window *window)
{
  if (window->status != ADZE_OK || window->ahead >= window->last)
    return false;
  uint64_t left = window->last - window->ahead;
  size_t size = left < sizeof window->buffer ? (size_t)left : sizeof window->buffer;
  window->status = adze_file_read_at (host, window->file, window->ahead, window->buffer, size);
  if (window->status != ADZE_OK)
    return false;
  window->ahead += size;
  window->next = 0;
  window->end = size;
  return true;
}

/* The next byte, which stays the next one; ADZE_WINDOW_END or ADZE_WINDOW_FAILED. */
static inline int
adze_window_peek (const adze_host *host, adze_window *window)
{
  if (window->next == window->end && !adze_window_fill (host, window))
    return window->status == ADZE_OK ? ADZE_WINDOW_END : ADZE_WINDOW_FAILED;
  return window->buffer[window->next];
}

static inline int
adze_window_next (const adze_host *host, adze_window *window)
{
  int byte = adze_window_peek (host, window);
  if (byte >= 0)
    window->next++;
  return byte;
}

/* ---- Bytes that grow. They begin as zeros: { 0 }. */

typedef struct adze_bytes {
  char *data;
  size_t size;
  size_t capacity;
} adze_bytes;

/* Room for SIZE bytes in all. */
static inline adze_status
adze_bytes_reserve (const adze_host *host, adze_bytes *bytes, size_t size)
{
  if (size <= bytes->capacity)
    return ADZE_OK;
  size_t capacity = bytes->capacity < 128 ? 128 : bytes->capacity;
  while (capacity < size && capacity <= SIZE_MAX / 2)
    capacity *= 2;
  if (capacity < size)
    capacity = size;
  char *grown = (char *)host->allocate (host, capacity);
  if (!grown)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu bytes", capacity);
  if (bytes->size > 0)
    memcpy (grown, bytes->data, bytes->size);
  host->release (host, bytes->data);
  bytes->data = grown;
  bytes->capacity = capacity;
  return ADZE_OK;
}

static inline adze_status
adze_bytes_add (const adze_host *host, adze_bytes *bytes, const void *data, size_t size)
{
  if (size > SIZE_MAX - bytes->size)
    return adze_fail (host, ADZE_E_MEMORY, "no room for that many bytes");
  if (bytes->size + size > bytes->capacity) {
    adze_status status = adze_bytes_reserve (host, bytes, bytes->size + size);
    if (status != ADZE_OK)
      return status;
  }
  if (size > 0)
    memcpy (bytes->data + bytes->size, data, size);
  bytes->size += size;
  return ADZE_OK;
}

static inline void
adze_bytes_release (const adze_host *host, adze_bytes *bytes)
{
  host->release (host, bytes->data);
  bytes->data = NULL;
  bytes->size = bytes->capacity = 0;
}

/* ---- Where the records begin: 8 bytes a record. They begin as zeros: { 0 }. */

typedef struct adze_marks {
  adze_bytes bytes;
} adze_marks;

static inline adze_status
adze_marks_add (const adze_host *host, adze_marks *marks, uint64_t at)
{
  return adze_bytes_add (host, &marks->bytes, &at, sizeof at);
}

static inline uint64_t
adze_marks_count (const adze_marks *marks)
{
  return marks->bytes.size / sizeof (uint64_t);
}

static inline uint64_t
adze_marks_at (const adze_marks *marks, uint64_t index)
{
  uint64_t at;
  memcpy (&at, marks->bytes.data + (size_t)index * sizeof at, sizeof at);
  return at;
}

static inline void
adze_marks_release (const adze_host *host, adze_marks *marks)
{
  adze_bytes_release (host, &marks->bytes);
}

/* ---- Is it UTF-8? Byte by byte. It begins as zeros: { 0 }. */

typedef struct adze_utf8 {
  unsigned char left;      /* how many bytes the character still lacks */
  unsigned char low;       /* between this and HIGH the next one lies */
  unsigned char high;
} adze_utf8;

/* False when BYTE cannot follow. A text may end where LEFT is 0. */
static inline bool
adze_utf8_step (adze_utf8 *utf8, unsigned char byte)
{
  if (utf8->left > 0) {
    if (byte < utf8->low || byte > utf8->high)
      return false;
    utf8->left--;
    utf8->low = 0x80;
    utf8->high = 0xbf;
    return true;
  }
  if (byte < 0x80)
    return true;
  if (byte < 0xc2 || byte > 0xf4)
    return false;
  utf8->left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
  /* No form that is longer than it must be, no half of a surrogate pair, nothing above U+10FFFF. */
  utf8->low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
  utf8->high = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
  return true;
}

ADZE_END_DECLS

#endif
