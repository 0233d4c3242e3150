/* SPDX-License-Identifier: Apache-2.0 */
/* window.c: the structure of one file, read piece by piece. Only what is being looked at is held,
 * and no more is ever allocated than the file has been seen to have. */
#include <stdlib.h>

#include "gguf.h"

#define FIRST_ROOM 65536

void
gguf_window_open (gguf_window *window, const adze_host *host, adze_file *file, uint64_t limit)
{
  const adze_file_service *files = adze_files_of (host);
  *window = (gguf_window){ .host = host,
                           .file = file,
                           .name = files->name (host, file),
                           .size = files->size (host, file),
                           .limit = limit };
}

void
gguf_window_close (gguf_window *window)
{
  free (window->bytes);
  window->bytes = NULL;
}

void
gguf_window_go (gguf_window *window, uint64_t position)
{
  if (position >= window->base && position - window->base <= window->held)
    window->at = (size_t)(position - window->base);
  else {
    window->base = position;
    window->held = window->at = 0;
  }
  window->mark = window->at;
}

adze_status
gguf_malformed (const gguf_window *window, uint64_t position, const char *format, ...)
{
  char text[768];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  return adze_fail (window->host, ADZE_E_FORMAT, "%s: at byte %" PRIu64 ": %s", window->name,
                    position, text);
}

/* Moves what is still needed to the front, and makes room for SIZE bytes from there on. */
static adze_status
make_room (gguf_window *window, size_t size)
{
  if (window->mark > 0) {
    window->held -= window->mark;
    if (window->held > 0)
      memmove (window->bytes, window->bytes + window->mark, window->held);
    window->base += window->mark;
    window->at -= window->mark;
    window->mark = 0;
  }
  if (size <= window->room)
    return ADZE_OK;
  uint64_t most = window->size - window->base;
  uint64_t room = window->room ? (uint64_t)window->room * 2 : FIRST_ROOM;
  if (room > most)
    room = most;
  if (room < size)
    room = size;
  unsigned char *bytes = realloc (window->bytes, (size_t)room);
  if (!bytes)
    return adze_fail (window->host, ADZE_E_MEMORY,
                      "%s: no room for %" PRIu64 " bytes of its structure", window->name, room);
  window->bytes = bytes;
  window->room = (size_t)room;
  return ADZE_OK;
}

adze_status
gguf_need (gguf_window *window, uint64_t size, const char *what)
{
  if (size <= window->held - window->at)
    return ADZE_OK;
  uint64_t position = gguf_position (window);
  if (position > window->size || size > window->size - position)
    return gguf_malformed (window, position,
                           "%s takes %" PRIu64 " bytes, but the file ends %" PRIu64
                           " bytes further on; it is cut off or damaged",
                           what, size, position > window->size ? 0 : window->size - position);
  if (position > window->limit || size > window->limit - position)
    return adze_fail (window->host, ADZE_E_LIMIT,
                      "%s: at byte %" PRIu64 ": with %s of %" PRIu64
                      " bytes the structure is longer than the limit leaves room for; a higher "
                      "structure-limit lets it pass",
                      window->name, position, what, size);
  adze_status status = make_room (window, window->at - window->mark + (size_t)size);
  if (status != ADZE_OK)
    return status;
  uint64_t rest = window->size - window->base - window->held;
  size_t wanted = window->room - window->held;
  if (wanted > rest)
    wanted = (size_t)rest;
  status = adze_file_read_at (window->host, window->file, window->base + window->held,
                              window->bytes + window->held, wanted);
  if (status != ADZE_OK)
    return status;
  window->held += wanted;
  return ADZE_OK;
}

adze_status
gguf_read_u32 (gguf_window *window, const char *what, uint32_t *value)
{
  adze_status status = gguf_need (window, 4, what);
  if (status != ADZE_OK)
    return status;
  *value = gguf_get_u32 (window->bytes + window->at);
  window->at += 4;
  return ADZE_OK;
}

adze_status
gguf_read_u64 (gguf_window *window, const char *what, uint64_t *value)
{
  adze_status status = gguf_need (window, 8, what);
  if (status != ADZE_OK)
    return status;
  *value = gguf_get_u64 (window->bytes + window->at);
  window->at += 8;
  return ADZE_OK;
}

adze_status
gguf_read_text (gguf_window *window, const char *what, uint64_t *size)
{
  adze_status status = gguf_read_u64 (window, what, size);
  if (status == ADZE_OK)
    status = gguf_need (window, *size, what);
  if (status == ADZE_OK)
    window->at += (size_t)*size;
  return status;
}

adze_status
gguf_check_count (gguf_window *window, uint64_t count, uint64_t least, const char *what)
{
  uint64_t position = gguf_position (window);
  uint64_t rest = window->size - position;
  if (count <= rest / least)
    return ADZE_OK;
  return gguf_malformed (window, position,
                         "there are said to be %" PRIu64 " %s, which take at least %" PRIu64
                         " bytes each, but the file has only %" PRIu64 " bytes more",
                         count, what, least, rest);
}

adze_status
gguf_check_entries (const gguf_window *window, uint64_t count, const char *what)
{
  uint64_t most = gguf_entries_limit (window->limit);
  if (count <= most)
    return ADZE_OK;
  return adze_fail (window->host, ADZE_E_LIMIT,
                    "%s: has %" PRIu64 " %s, and %" PRIu64
                    " are the most that is read; a higher structure-limit lets it pass",
                    window->name, count, what, most);
}
