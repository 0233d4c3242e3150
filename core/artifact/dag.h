/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dag.h: graphs of causes as text.
 *
 * A line is "A --> B", "A --- B", or a name alone, for a node without edges. Blanks around names do
 * not count; lines with nothing on them, and those that begin with '#', are passed over.
 */
#ifndef ADZE_ARTIFACT_DAG_H
#define ADZE_ARTIFACT_DAG_H

#include "base/error.h"

/* No edge twice, in whichever direction; none from a node to itself; no circle of arrows. */
ADZE_MUST_CHECK adze_error *adze_dag_check (const char *path, const char *data, size_t size);

#endif
