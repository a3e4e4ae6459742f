# One set of flags for everything that is compiled here.
add_compile_definitions(_GNU_SOURCE DIRRELAY_VERSION="${PROJECT_VERSION}")
add_compile_options(
  -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wvla -Wswitch-enum
  -Wstrict-prototypes -Wformat=2 -Werror
  # A symbol of ours must never stand in for one of a library's (libunbound brings libevent along).
  -fvisibility=hidden -fno-strict-aliasing -fno-common -fstack-protector-strong)
# No function is looked up at its first call: that saves the registers on the stack, with what memcpy left in them (a password).
add_link_options(-Wl,-z,relro,-z,now)
if(CMAKE_BUILD_TYPE MATCHES "Rel")
  # assert() stays on in release builds: it guards against programming errors, not against input.
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
  if(NOT DIRRELAY_SANITIZE)
    add_compile_options(-D_FORTIFY_SOURCE=2)
  endif()
endif()
if(DIRRELAY_SANITIZE)
  add_compile_options(-fsanitize=${DIRRELAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DIRRELAY_SANITIZE})
endif()
