/* SPDX-License-Identifier: Apache-2.0 */
/* stage/beside.h: plugins that a worker loads beside that of its own component: since parameters name components
 * of theirs, as the codec of a technique, or since it computes with networks. */
#ifndef ADZE_STAGE_BESIDE_H
#define ADZE_STAGE_BESIDE_H

#include "plugin/manifest/params.h"
#include "plugin/runtime.h"

/* A list of { path, file }, without those that are built in; *LIST is empty where none are named. */
ADZE_MUST_CHECK adze_error *adze_beside_list (adze_runtime *runtime, const adze_params *const *params,
                                              size_t variants, adze_value **list);

/* The same, of what networks are computed with: BACKEND, the reference, and all formats. */
ADZE_MUST_CHECK adze_error *adze_beside_networks (adze_runtime *runtime, const char *backend, adze_value **list);

#endif
