/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/services.h: what stands behind the ids that a plugin can ask the host for. */
#ifndef ADZE_PLUGIN_SERVICES_H
#define ADZE_PLUGIN_SERVICES_H

#include <stdbool.h>

#include <adze/draft/json.h>

/* The table of a service, or NULL. BARE: only those without which no plugin can work. */
const void *adze_service_find (const char *id, bool bare);

extern const adze_json_service adze_json_services;

#endif
