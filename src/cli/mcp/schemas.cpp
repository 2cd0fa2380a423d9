#include "cli/mcp/tools.hpp"

#include <fmt/format.h>

#include <string>

namespace holdfast::cli {
namespace {

// The members of every result. "%" is replaced by the members of one tool, which are null when it failed.
constexpr std::string_view k_result = R"({
  "type": "object",
  "properties": {
    "success": {"type": "boolean", "description": "true if the exit status is 0; for status: all of these tunnels are up"},
    "exit_status": {"type": "integer", "description": "0 done or up, 1 failed, 2 wrong arguments, 3 something is not up, 4 no such tunnel, 5 no usable backend, 130 interrupted"},
    "stdout": {"type": "string", "description": "the output of the command; empty when it is in the other members"},
    "stderr": {"type": "string", "description": "its messages and errors"},
    "error": {
      "type": ["object", "null"],
      "description": "why the command failed; null on success",
      "properties": {
        "class": {"type": "string", "description": "auth, host-key-unknown, forward-busy, usage, no-such-tunnel, …"},
        "message": {"type": "string"},
        "hint": {"type": ["string", "null"], "description": "one command or setting that helps"}
      },
      "required": ["class", "message", "hint"],
      "additionalProperties": false
    },
    %
  },
  "required": ["success", "exit_status", "stdout", "stderr", "error"],
  "additionalProperties": false
})";

constexpr std::string_view k_survives = R"({
  "type": "object",
  "description": "yes, no, at-login, or within:60s; null if unknown",
  "properties": {"crash": {"type": ["string", "null"]}, "logout": {"type": ["string", "null"]}, "reboot": {"type": ["string", "null"]}},
  "required": ["crash", "logout", "reboot"],
  "additionalProperties": false
})";

constexpr std::string_view k_preflight = R"({
  "type": ["array", "null"],
  "items": {
    "type": "object",
    "properties": {
      "check": {"type": "string"},
      "outcome": {"enum": ["passed", "warning", "failed", "skipped"]},
      "figure": {"type": ["string", "null"]},
      "class": {"type": ["string", "null"]},
      "message": {"type": ["string", "null"]},
      "hint": {"type": ["string", "null"]}
    },
    "required": ["check", "outcome", "figure", "class", "message", "hint"]
  }
})";

// The object of `status --json`. Unknown values are null.
constexpr std::string_view k_tunnel = R"(
  "properties": {
    "name": {"type": "string"},
    "state": {"enum": ["up", "degraded", "connecting", "waiting", "standby", "failed", "stopped", null]},
    "verified": {"type": ["boolean", "null"], "description": "true if a connection to the port on the bastion reached the target here"},
    "since": {"type": ["string", "null"], "description": "start of the state, RFC 3339"},
    "host": {"type": ["string", "null"]},
    "bastion": {"type": ["string", "null"]},
    "bastions": {"type": ["array", "null"], "items": {"type": "string"}, "description": "all bastions, in order of preference"},
    "engine": {"type": ["string", "null"]},
    "forwards": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {"listen": {"type": "string"}, "target": {"type": "string"}, "state": {"type": ["string", "null"]},
                       "bound": {"enum": ["loopback", "all", "unknown"], "description": "which addresses of the bastion it listens on"}},
        "required": ["listen", "target", "state", "bound"]
      }
    },
    "backend": {
      "type": "object",
      "properties": {
        "name": {"type": ["string", "null"]},
        "installed": {"type": ["boolean", "null"]},
        "running": {"type": ["boolean", "null"]},
        "survives": {SURVIVES}
      },
      "required": ["name", "installed", "running", "survives"]
    },
    "installation": {
      "type": "object",
      "description": "what the backend needs to start the tunnel; tunnel_setup repairs it",
      "properties": {"ok": {"type": ["boolean", "null"]}, "problems": {"type": "array", "items": {"type": "string"}}},
      "required": ["ok", "problems"]
    },
    "supervisor": {
      "type": "object",
      "properties": {"pid": {"type": ["integer", "null"]}, "version": {"type": ["string", "null"]}, "program": {"type": ["string", "null"]}},
      "required": ["pid", "version", "program"]
    },
    "supervisor_pid": {"type": ["integer", "null"]},
    "ssh_pid": {"type": ["integer", "null"]},
    "rtt_ms": {"type": ["number", "null"]},
    "reconnects": {"type": ["integer", "null"]},
    "next_attempt": {"type": ["string", "null"]},
    "history": {"type": ["object", "null"], "description": "for a tunnel selected by port or name: availability, round trips and reconnects by cause, in the last day and week"},
    "last_error": {
      "type": ["object", "null"],
      "properties": {
        "class": {"type": "string"},
        "message": {"type": "string"},
        "hint": {"type": ["string", "null"]},
        "at": {"type": ["string", "null"]}
      },
      "required": ["class", "message", "hint", "at"]
    },
    "credential": {
      "type": ["object", "null"],
      "description": "what the tunnel logs in with, as its key files show it",
      "properties": {
        "kind": {"type": "string", "enum": ["key", "certificate", "login"]},
        "expires": {"type": ["string", "null"], "description": "when the certificate expires"}
      },
      "required": ["kind", "expires"]
    }
  },
  "required": ["name", "state", "verified", "since", "host", "bastion", "engine", "forwards", "backend", "installation",
               "supervisor", "supervisor_pid", "ssh_pid", "rtt_ms", "reconnects", "next_attempt", "last_error", "credential"])";

std::string replaced(std::string_view text, std::string_view placeholder, std::string_view value) {
  std::string whole(text);
  whole.replace(whole.find(placeholder), placeholder.size(), value);
  return whole;
}

std::string result_schema(std::string_view properties) { return replaced(k_result, "%", properties); }

std::string tunnel_properties() { return replaced(k_tunnel, "{SURVIVES}", k_survives); }

}  // namespace

std::string_view status_schema() {
  static const auto schema = result_schema(fmt::format(
      R"("tunnels": {{"type": ["array", "null"], "items": {{"type": "object", {}}}}})", tunnel_properties()));
  return schema;
}

std::string_view setup_schema() {
  static const auto schema = result_schema(fmt::format(
      R"("tunnel": {{"type": ["object", "null"], {}}},
      "changed": {{"type": ["boolean", "null"], "description": "false if the tunnel already existed with these settings"}},
      "plan": {{"type": ["array", "null"], "items": {{"type": "string"}}, "description": "with dry_run: every file and command, in full"}})",
      tunnel_properties()));
  return schema;
}

std::string_view remove_schema() {
  static const auto schema = result_schema(R"("removed": {
    "type": ["array", "null"],
    "items": {
      "type": "object",
      "properties": {
        "name": {"type": "string"},
        "report": {"type": "array", "items": {"type": "string"}, "description": "everything that was stopped and deleted"}
      },
      "required": ["name", "report"]
    }
  })");
  return schema;
}

std::string_view doctor_schema() {
  static const auto schema = result_schema(fmt::format(R"("findings": {{
    "type": ["object", "null"],
    "properties": {{
      "backends": {{
        "type": "array",
        "items": {{
          "type": "object",
          "properties": {{
            "name": {{"type": "string"}},
            "scope": {{"enum": ["user", "system"]}},
            "usable": {{"type": "boolean"}},
            "grade": {{"enum": ["good", "degraded", "unavailable"]}},
            "survives": {},
            "reason": {{"type": "string"}},
            "remedy": {{"type": ["string", "null"], "description": "one command that would make it more durable"}}
          }},
          "required": ["name", "scope", "usable", "grade", "survives", "reason", "remedy"]
        }}
      }},
      "scope": {{"enum": ["user", "system"]}},
      "choice": {{"type": ["string", "null"], "description": "the backend that setup would choose"}},
      "advice": {{"type": ["string", "null"]}},
      "version": {{"type": "string"}},
      "program": {{"type": "string"}},
      "host": {{"type": "object"}},
      "bastion": {{"type": ["string", "null"]}},
      "preflight": {}
    }},
    "required": ["backends", "scope", "choice", "advice", "version", "program", "host", "bastion", "preflight"]
  }})",
                                                       k_survives, k_preflight));
  return schema;
}

std::string_view client_config_schema() {
  static const auto schema = result_schema(R"("tunnels": {
    "type": ["array", "null"],
    "items": {
      "type": "object",
      "properties": {
        "name": {"type": "string"},
        "bastion": {"type": "string"},
        "leads_to": {"type": "string"},
        "proxy_jump": {"type": "string"},
        "proxy_commands": {"type": "array", "items": {"type": "string"}},
        "hosts": {"type": "array", "items": {"type": "object"}, "description": "the Host blocks as objects"},
        "forwards": {"type": "array", "items": {"type": "object"}, "description": "forwards that do not lead to an ssh server, with the ssh -L command"},
        "config": {"type": "string", "description": "the text for the laptop's ~/.ssh/config"}
      },
      "required": ["name", "config", "hosts", "forwards"]
    }
  })");
  return schema;
}

std::string_view logs_schema() {
  static const auto schema = result_schema(
      R"("lines": {"type": ["array", "null"], "items": {"type": "string"}, "description": "oldest first, times in UTC"})");
  return schema;
}

}  // namespace holdfast::cli
