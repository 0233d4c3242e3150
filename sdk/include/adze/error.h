/* SPDX-License-Identifier: Apache-2.0 */
/* adze/error.h: saying why something failed. Tier: stable.
 *
 *   if (!buffer)
 *     return adze_fail (host, ADZE_E_MEMORY, "no room for %zu weights", count);
 */
#ifndef ADZE_ERROR_H
#define ADZE_ERROR_H

#include <stdarg.h>
#include <stdio.h>

#include <adze/host_table.h>

ADZE_BEGIN_DECLS

#define ADZE_ERROR "adze.error/1"

typedef struct adze_error_service {
  uint32_t struct_size;

  /* [callback] Add a reason to what this callback is about to report. The first call states the
   * cause; each further one says what that made impossible ("... because ..."). The message is
   * copied. What was pushed counts only when the callback returns a status other than ADZE_OK. */
  void (*push) (const adze_host *host, adze_status status, const char *message);
} adze_error_service;

/* States the reason and returns the status, so that it can stand in a return statement. A host
 * without the service still gets the status. */
#if defined __GNUC__
__attribute__ ((format (printf, 3, 4)))
#endif
static inline adze_status
adze_fail (const adze_host *host, adze_status status, const char *format, ...)
{
  const adze_error_service *service
      = (const adze_error_service *)host->service (host, ADZE_ERROR);
  if (service) {
    char message[1024];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (message, sizeof message, format, arguments);
    va_end (arguments);
    service->push (host, status, message);
  }
  return status;
}

ADZE_END_DECLS

#endif
