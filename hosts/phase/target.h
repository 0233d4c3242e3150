/* SPDX-License-Identifier: Apache-2.0 */
/* phase/target.h: a folder that bundles are deployed into:
 *
 *   current -> versions/7/bundle   the one that is used; replaced by one rename
 *   versions/7/bundle/             its files
 *   versions/7/before              the number of the version that was current when it came, or 0
 *   versions/.part                 one that is being copied
 *   versions/.gone                 one that is being removed
 *   .lock, .next                   whose turn it is; the link that becomes current
 */
#ifndef ADZE_PHASE_TARGET_H
#define ADZE_PHASE_TARGET_H

#include "phase/manifest.h"

typedef struct phase_site {
  const phase_state *state;
  char *path;           /* absolute */
  int folder, versions; /* -1: not open */
  int lock;
  int64_t current, before; /* 0: there is none */
} phase_site;

void phase_site_close (phase_site *site);
#define PHASE_SITE __attribute__ ((cleanup (phase_site_close))) phase_site
#define PHASE_SITE_INIT { .folder = -1, .versions = -1, .lock = -1 }

/* Opens and locks a target. MAKE: makes it where it is not there. One that is in use is refused, and one that has
 * other things in it. */
int phase_site_open (const phase_state *state, const char *path, bool make, phase_site *site);

/* Opens the bundle of a version, and reads its manifest. *FOLDER is to be closed. */
int phase_site_bundle (const phase_site *site, int64_t number, int *folder, phase_manifest *manifest);

/* Is there a version of this number? */
bool phase_site_has (const phase_site *site, int64_t number);

/* Makes it the current one, all at once. */
int phase_site_switch (phase_site *site, int64_t number);

/* ---- What was begun, written down in the state. */

/* Settles what was begun for this target and not finished: it was done if the target says so, or else broken off.
 * *ROLLED, unless NULL: a rollback was among what turned out done. The site is locked, so nobody is at it. */
int phase_moves_settle (const phase_site *site, int64_t phase, bool *rolled);
int phase_move_begin (const phase_site *site, int64_t phase, const char *verb, int64_t number, const char *digest,
                      int64_t *move);
int phase_move_end (const phase_site *site, int64_t phase, int64_t move);

#endif
