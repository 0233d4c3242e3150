/* SPDX-License-Identifier: Apache-2.0 */
/* stage/drawing_service.c: adze.drawing/1: graphviz draws. */
#define _GNU_SOURCE /* memmem */
#include <string.h>

#include "base/filter.h"
#include "stage/call.h"

enum { LIMIT_MS = 10000, MOST = 4 << 20 };

/* In front of the element stand lines that are for files of their own. */
static adze_error *
find_element (const adze_buffer *output, const char **element, size_t *size)
{
  const char *first = output->size > 0 ? memmem (output->data, output->size, "<svg", 4) : NULL;
  if (!first)
    return adze_error_new (ADZE_E_FORMAT, "what dot gave is no SVG");
  *element = first;
  *size = output->size - (size_t)(first - output->data);
  while (*size > 0 && strchr ("\r\n ", first[*size - 1]))
    (*size)--;
  return NULL;
}

static uint32_t
what_became (const adze_error *error)
{
  switch (adze_error_status (error)) {
  case ADZE_E_NOT_FOUND:
    return ADZE_NO_GRAPHVIZ;
  case ADZE_E_TIMEOUT:
  case ADZE_E_LIMIT:
    return ADZE_TOO_LARGE;
  default:
    return 0;
  }
}

static adze_status
draw (const adze_host *host, const char *text, adze_bytes *svg, uint32_t *drawn)
{
  static const char *const argv[] = { "dot", "-Tsvg", NULL };
  const adze_filter_options options = { .argv = argv, .limit_ms = LIMIT_MS, .most = MOST };
  ADZE_AUTO (adze_buffer) output = { 0 };
  const char *element = NULL;
  size_t size = 0;
  adze_error *error = adze_filter_run (&options, text, strlen (text), &output);
  *drawn = error ? what_became (error) : ADZE_DRAWN;
  if (error && *drawn) {
    adze_error_free (error);
    return ADZE_OK;
  }
  if (!error)
    error = find_element (&output, &element, &size);
  if (error)
    return adze_desk_fail (adze_desk_of (host), adze_error_wrap (error, "graphviz cannot draw this graph"));
  return adze_bytes_add (host, svg, element, size);
}

const adze_drawing_service adze_drawing_services = { .struct_size = sizeof adze_drawing_services, .svg = draw };
