/* SPDX-License-Identifier: Apache-2.0 */
/* cli/progress.h: how far a run is, from its events.
 *
 * On a terminal one line that is drawn again at most ten times a second; elsewhere a line when a
 * segment begins and when it ends, and nothing in between.
 */
#ifndef ADZE_CLI_PROGRESS_H
#define ADZE_CLI_PROGRESS_H

#include <adze/event.h>

#include "cli/print.h"

typedef struct adze_cli_progress {
  const adze_cli_printer *printer;
  bool terminal; /* that lines can be drawn again on */
  bool shown;    /* there is a line on the terminal that others must not write into */
  char run[128];
  char stages[256];
  int64_t segment, segments;
  int64_t done, bytes; /* of the pass over the data that is under way */
  int64_t begun_done;  /* what had been done when it began */
  int64_t begun_ns, seen_ns, drawn_ns;
} adze_cli_progress;

/* PRINTER outlives it. REDRAW: false on a terminal that cannot (TERM=dumb). */
void adze_cli_progress_open (adze_cli_progress *progress, const adze_cli_printer *printer,
                             bool redraw);
/* An adze_event_listener. */
void adze_cli_progress_event (void *progress, const adze_event *event);
/* Before somebody else writes to the same terminal: takes the line away until the next event. */
void adze_cli_progress_hide (adze_cli_progress *progress);

#endif
