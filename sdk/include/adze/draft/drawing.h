/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/drawing.h: graphs as pictures. Tier: draft.
 *
 * They are drawn by graphviz, where that is installed; a technique starts no program itself. Which graphviz it is
 * makes the picture, so nothing but a page for people should hold one.
 */
#ifndef ADZE_DRAFT_DRAWING_H
#define ADZE_DRAFT_DRAWING_H

#include <adze/draft/records.h>

ADZE_BEGIN_DECLS

#define ADZE_DRAWING "adze.drawing/1"

typedef enum adze_drawn {
  ADZE_DRAWN = 1,
  ADZE_NO_GRAPHVIZ = 2,  /* it is not installed */
  ADZE_TOO_LARGE = 3     /* it takes more than ten seconds, or gives more than 4 MiB */
} adze_drawn;

typedef struct adze_drawing_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* [callback] Appends to SVG an element <svg>, with nothing in front of it and behind it, of the graph that TEXT
   * describes in graphviz's language. *DRAWN is an adze_drawn; what is not drawn is to be told in words. Fails where
   * graphviz does not understand TEXT. */
  adze_status (*svg) (const adze_host *host, const char *text, adze_bytes *svg, uint32_t *drawn);
} adze_drawing_service;

/* Hosts that cannot start programs have none. */
static inline const adze_drawing_service *
adze_drawing_of (const adze_host *host)
{
  return (const adze_drawing_service *)host->service (host, ADZE_DRAWING);
}

/* Appends TEXT as a name in graphviz's language, in quotes. */
static inline adze_status
adze_drawing_name (const adze_host *host, adze_bytes *bytes, const char *text)
{
  adze_status status = adze_bytes_add (host, bytes, "\"", 1);
  for (; status == ADZE_OK && *text; text++) {
    if (*text == '"' || *text == '\\')
      status = adze_bytes_add (host, bytes, "\\", 1);
    if (status == ADZE_OK)
      status = adze_bytes_add (host, bytes, text, 1);
  }
  return status == ADZE_OK ? adze_bytes_add (host, bytes, "\"", 1) : status;
}

ADZE_END_DECLS

#endif
