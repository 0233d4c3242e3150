/* SPDX-License-Identifier: Apache-2.0 */
/* adze/log.h: telling people something while it happens. Tier: stable.
 *
 * A log line is for a person who watches. What a program should be able to find later is an
 * event (adze/event.h); what went wrong is an error (adze/error.h).
 */
#ifndef ADZE_LOG_H
#define ADZE_LOG_H

#include <stdarg.h>
#include <stdio.h>

#include <adze/host_table.h>

ADZE_BEGIN_DECLS

#define ADZE_LOG "adze.log/1"

typedef enum adze_log_level {
  ADZE_LOG_DEBUG = 0,
  ADZE_LOG_INFO = 1,
  ADZE_LOG_WARNING = 2,
  ADZE_LOG_ERROR = 3
} adze_log_level;

typedef struct adze_log_service {
  uint32_t struct_size;

  /* [any] One line, without a newline; the host adds who says it. Copied before it returns. */
  void (*write) (const adze_host *host, adze_log_level level, const char *message);
} adze_log_service;

/* In a host without the service nothing is logged. */
#if defined __GNUC__
__attribute__ ((format (printf, 3, 4)))
#endif
static inline void
adze_log (const adze_host *host, adze_log_level level, const char *format, ...)
{
  const adze_log_service *service = (const adze_log_service *)host->service (host, ADZE_LOG);
  if (!service)
    return;
  char message[1024];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (message, sizeof message, format, arguments);
  va_end (arguments);
  service->write (host, level, message);
}

ADZE_END_DECLS

#endif
