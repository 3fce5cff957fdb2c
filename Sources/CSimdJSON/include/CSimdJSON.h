#pragma once
#ifdef __cplusplus
extern "C" {
#endif
const char *csimdjson_version(void);
#ifdef __cplusplus
}
#endif
