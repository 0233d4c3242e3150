/* SPDX-License-Identifier: Apache-2.0 */
/* stage/beside.h: plugins that a worker loads beside that of its own component, since parameters name components
 * of theirs: the codec of a technique. */
#ifndef ADZE_STAGE_BESIDE_H
#define ADZE_STAGE_BESIDE_H

#include "plugin/manifest/params.h"
#include "plugin/runtime.h"

/* A list of { path, file }, without those that are built in; *LIST is empty where none are named. */
ADZE_MUST_CHECK adze_error *adze_beside_list (adze_runtime *runtime, adze_params *const *params,
                                              size_t variants, adze_value **list);

#endif
