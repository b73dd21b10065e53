// nodemailer with its pool of 20 connections, and nunjucks: `node nodemailer_pool.cjs LETTER READERS PORT`.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const nodemailer = require("nodemailer");
const nunjucks = require("nunjucks");

// The bench's own CSV: quoted only where it must be, no line break inside a cell.
function* readersOf(file) {
    const [head, ...lines] = fs.readFileSync(file, "utf8").split("\r\n").filter(Boolean);
    const names = head.split(",");
    for (const line of lines) {
        const cells = line.split(",");
        yield Object.fromEntries(names.map((name, i) => [name, cells[i]]));
    }
}

const [letter, file, port] = process.argv.slice(2);
const read = (name) => fs.readFileSync(path.join(letter, name), "utf8");
const head = JSON.parse(read("head.json"));
const engine = new nunjucks.Environment(null, { autoescape: false });
const html = nunjucks.compile(read("issue.html"), engine);
const text = nunjucks.compile(read("issue.txt"), engine);
const transport = nodemailer.createTransport({
    pool: true,
    maxConnections: 20,
    maxMessages: Infinity,
    host: "127.0.0.1",
    port: Number(port),
    secure: false,
    ignoreTLS: true,
});

const readers = readersOf(file);
let waiting = 0;
let done = false;

// The loop of nodemailer's documentation: hand over more whenever the pool has room.
transport.on("idle", () => {
    while (!done && transport.isIdle()) {
        const next = readers.next();
        if (next.done) {
            done = true;
            break;
        }
        const reader = next.value;
        waiting++;
        transport.sendMail(
            {
                from: { name: head.sender_name, address: head.sender },
                to: { name: reader.name, address: reader.email },
                subject: head.subject,
                text: text.render(reader),
                html: html.render(reader),
                list: { id: head.list_id, unsubscribe: reader.leave_url },
                headers: {
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                    "Feedback-ID": head.feedback_id,
                },
            },
            (error) => {
                if (error) {
                    console.error(error.message);
                    process.exit(1);
                }
                if (--waiting === 0 && done) transport.close();
            },
        );
    }
});
