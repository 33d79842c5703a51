// Loaded before a server that would listen on every address: it listens on 127.0.0.1 only.
import net from "node:net";

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const done = rest.filter((part) => typeof part === "function");
  return typeof port === "object" ? listen.call(this, port, ...rest) : listen.call(this, { port: Number(port), host: "127.0.0.1" }, ...done);
};
